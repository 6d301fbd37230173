import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'

/** Tells an address of our own: of an interface, given in the config, unspecified, or loopback. */
export class OwnAddresses {
  readonly #own: ReadonlySet<string>
  readonly #allowLoopback: boolean

  constructor(given: readonly string[], options: { allowLoopback: boolean; interfaces?: readonly string[] }) {
    const interfaces =
      options.interfaces ??
      Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
    this.#own = new Set([...given, ...interfaces].map(normal))
    this.#allowLoopback = options.allowLoopback
  }

  has(address: string): boolean {
    if (!ipaddr.isValid(address)) return false
    const range = ipaddr.process(address).range()
    if (range === 'unspecified') return true
    if (range === 'loopback') return !this.#allowLoopback
    return this.#own.has(normal(address))
  }
}

/** Two spellings of one address compare equal; an IPv4 address in IPv6 is that IPv4 address. */
function normal(address: string): string {
  const bare = address.split('%')[0] ?? address
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : bare
}
