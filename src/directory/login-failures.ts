import type { Clock } from '../kernel/clock.ts'

/** Failed logins of one address within this time count together. */
const WINDOW_MS = 10 * 60_000
const MAX_FAILURES = 10
/** Addresses that are watched; the oldest is forgotten first. */
const MAX_ADDRESSES = 10_000

interface Record {
  readonly since: number
  /** Fingerprints of what was tried: the same wrong password over and over is a phone with an old one, not an attack. */
  readonly tried: Set<string>
}

/** Counts different wrong credentials by the address they come from. */
export class LoginFailures {
  readonly #clock: Clock
  readonly #byAddress = new Map<string, Record>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** May this address try once more? */
  isBlocked(address: string): boolean {
    return (this.#current(address)?.tried.size ?? 0) >= MAX_FAILURES
  }

  /** @param attempt fingerprint of login and password */
  add(address: string, attempt: string): void {
    const record = this.#current(address) ?? { since: this.#clock.now(), tried: new Set() }
    record.tried.add(attempt)
    this.#byAddress.delete(address)
    this.#byAddress.set(address, record)
    if (this.#byAddress.size > MAX_ADDRESSES) {
      const [oldest] = this.#byAddress.keys()
      if (oldest !== undefined) this.#byAddress.delete(oldest)
    }
  }

  clear(address: string): void {
    this.#byAddress.delete(address)
  }

  #current(address: string): Record | undefined {
    const record = this.#byAddress.get(address)
    if (record === undefined) return undefined
    if (this.#clock.now() - record.since <= WINDOW_MS) return record
    this.#byAddress.delete(address)
    return undefined
  }
}
