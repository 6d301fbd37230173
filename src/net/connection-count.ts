import type { ListenLimits } from './listeners.ts'
import { networkOf } from './peer-address.ts'

/** Connections of one listener at once, in all and by network. Holds an entry for connected networks alone. */
export class ConnectionCount {
  readonly #limits: ListenLimits
  readonly #byNetwork = new Map<string, number>()
  #total = 0

  constructor(limits: ListenLimits) {
    this.#limits = limits
  }

  get total(): number {
    return this.#total
  }

  /**
   * Counts one more, or says which limit forbids it. The returned function counts it out, once.
   * @param address undefined for a peer that no limit per address applies to
   */
  enter(address: string | undefined): (() => void) | 'total' | 'address' {
    if (this.#total >= this.#limits.maxConnections) return 'total'
    const network = address === undefined ? undefined : networkOf(address)
    const count = network === undefined ? 0 : (this.#byNetwork.get(network) ?? 0)
    if (network !== undefined && count >= this.#limits.maxPerAddress) return 'address'
    this.#total += 1
    if (network !== undefined) this.#byNetwork.set(network, count + 1)
    let isIn = true
    return () => {
      if (!isIn) return
      isIn = false
      this.#leave(network)
    }
  }

  #leave(network: string | undefined): void {
    this.#total -= 1
    if (network === undefined) return
    const left = (this.#byNetwork.get(network) ?? 1) - 1
    if (left > 0) this.#byNetwork.set(network, left)
    else this.#byNetwork.delete(network)
  }
}
