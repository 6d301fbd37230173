import { BlockList, isIPv6 } from 'node:net'
import type { Clock } from '../kernel/clock.ts'
import { normalizeDomain } from '../mail/address.ts'
import type { Dns } from './listeners.ts'

const MAX_KNOWN = 10_000
const MAX_ASKING = 64
const HOUR_MS = 3_600_000
/** An address without a name is asked about again sooner: its DNS may only have been slow. */
const NAMELESS_MS = 600_000
/** An address may have any number of names; more than the first few nobody needs. */
const MAX_NAMES = 3

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/**
 * Names of peers by reverse look-up, each confirmed by the address that it has itself: anybody can give their own
 * address any name. Nobody waits for an answer: it is there when it is asked for, or it is left out.
 */
export class ReverseNames {
  readonly #dns: Dns
  readonly #clock: Clock
  /** Address to its name and until when that is believed; the oldest first. */
  readonly #known = new Map<string, { readonly name: string | undefined; readonly until: number }>()
  readonly #asking = new Set<string>()

  constructor(dns: Dns, clock: Clock) {
    this.#dns = dns
    this.#clock = clock
  }

  /** The peer is here: its name may be asked for soon. */
  expect(address: string): void {
    if (address === '' || LOOPBACK.check(address, familyOf(address))) return
    const known = this.#known.get(address)
    if (known !== undefined && known.until > this.#clock.now()) return
    if (this.#asking.has(address) || this.#asking.size >= MAX_ASKING) return
    this.#asking.add(address)
    void this.#find(address)
  }

  /** The confirmed name, when it is known by now. */
  of(address: string): string | undefined {
    return this.#known.get(address)?.name
  }

  async #find(address: string): Promise<void> {
    let name: string | undefined
    try {
      name = await this.#confirmed(address)
    } catch {
      // No name, or no answer: mail goes on without.
    }
    this.#asking.delete(address)
    this.#known.delete(address)
    this.#known.set(address, { name, until: this.#clock.now() + (name === undefined ? NAMELESS_MS : HOUR_MS) })
    const [oldest] = this.#known.keys()
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest)
  }

  async #confirmed(address: string): Promise<string | undefined> {
    for (const text of (await this.#dns.reverse(address)).slice(0, MAX_NAMES)) {
      const name = normalizeDomain(text)
      if (name === undefined) continue
      const answers = isIPv6(address) ? this.#dns.resolve6(name) : this.#dns.resolve4(name)
      if (hasAddress(await answers.catch(() => []), address)) return name
    }
    return undefined
  }
}

/** An IPv6 address has many spellings. */
function hasAddress(answers: readonly string[], address: string): boolean {
  const list = new BlockList()
  for (const answer of answers) list.addAddress(answer, familyOf(answer))
  return list.check(address, familyOf(address))
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4')
