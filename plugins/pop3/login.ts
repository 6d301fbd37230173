import {
  type Account,
  type Authenticator,
  type Clock,
  type Connection,
  codeOf,
  type Engine,
  type Log,
  type MailStore,
} from 'mailserver'
import type { Login } from './commands/command.ts'
import type { CrlfSizes } from './crlf-sizes.ts'
import { replyFor } from './error-replies.ts'
import type { SessionLimits } from './limits.ts'
import { Maildrop } from './maildrop.ts'
import { lockMaildrop } from './maildrop-lock.ts'
import { close, ok, type Reply } from './wire/reply.ts'

export interface LoginTools {
  readonly authenticator: Authenticator
  readonly engine: Engine
  readonly store: MailStore
  readonly sizes: CrlfSizes
  readonly clock: Clock
  readonly log: Log
  readonly limits: SessionLimits
}

export interface LoggedIn {
  readonly account: Account
  readonly maildrop: Maildrop
}

/** Logins of one session: who it is, the lock, the maildrop; and what a wrong password costs. */
export class LoginAttempts {
  readonly #tools: LoginTools
  readonly #connection: Connection
  readonly #gone: AbortSignal
  #failures = 0

  /** @param gone fires when the peer has left: nobody waits for the answer any more */
  constructor(tools: LoginTools, connection: Connection, gone: AbortSignal) {
    this.#tools = tools
    this.#connection = connection
    this.#gone = gone
  }

  /** @param done called with the maildrop, which is the caller's to release */
  async attempt(login: Login, done: (result: LoggedIn) => void): Promise<Reply> {
    const { authenticator } = this.#tools
    const { protocol, remoteAddress } = this.#connection
    let account: Account
    try {
      account = await authenticator.authenticate({ ...login, protocol, remoteAddress }, this.#gone)
    } catch (err) {
      return this.#refused(codeOf(err) === 'AUTHENTICATION_FAILED', replyFor(err))
    }
    try {
      const maildrop = await this.#open(account)
      done({ account, maildrop })
      return ok(`${maildrop.count} messages (${maildrop.octets} octets)`)
    } catch (err) {
      return replyFor(err)
    }
  }

  async #open(account: Account): Promise<Maildrop> {
    const { engine, store, sizes } = this.#tools
    const lease = await lockMaildrop(engine, account.id)
    try {
      this.#gone.throwIfAborted()
      return await Maildrop.open(store, account.id, lease, sizes)
    } catch (err) {
      await lease.release()
      throw err
    }
  }

  async #refused(isWrong: boolean, reply: Reply): Promise<Reply> {
    const { clock, limits, log } = this.#tools
    this.#failures += 1
    const { id: session, remoteAddress } = this.#connection
    if (isWrong) log.info({ session, remoteAddress, failures: this.#failures }, 'login failed')
    const delay = limits.failureDelayMs * 2 ** (this.#failures - 1)
    await clock.sleep(delay, this.#gone).catch(() => {
      // It left: the reply goes nowhere, and the session ends when it is sent.
    })
    return this.#failures >= limits.maxLoginFailures ? close(reply) : reply
  }
}
