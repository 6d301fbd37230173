import { type AccountId, type Clock, type Engine, key, MailError } from 'mailserver'

/** Keys of this plugin: when an account logged in last, 8 octets, milliseconds since the epoch. */
const lastLoginKey = (account: AccountId) => key('pop3-login', account)

/** Keeps clients that poll all the time from it (RFC 2449 section 6.5). The time of the last login is kept for all workers. */
export class LoginDelay {
  readonly #engine: Engine
  readonly #clock: Clock
  readonly #delayMs: number

  constructor(engine: Engine, clock: Clock, delayMs: number) {
    this.#engine = engine
    this.#clock = clock
    this.#delayMs = delayMs
  }

  /** @throws MailError CONFLICT when the last login is too short ago */
  async enter(account: AccountId): Promise<void> {
    if (this.#delayMs === 0) return
    const now = this.#clock.now()
    const name = lastLoginKey(account)
    await this.#engine.transactRelaxed([`pop3:${account}`], async (tx) => {
      const last = Number((await tx.get(name))?.readBigUInt64BE() ?? 0n)
      // A clock that was set back must not lock anybody out.
      if (last <= now && now - last < this.#delayMs) {
        throw new MailError('CONFLICT', `${account} logged in ${now - last} ms ago`)
      }
      const value = Buffer.alloc(8)
      value.writeBigUInt64BE(BigInt(now))
      tx.put(name, value)
    })
  }
}
