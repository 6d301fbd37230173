import { type Account, type Clock, type Connection, codeOf, type Log } from 'mailserver'
import { replyFor } from './error-replies.ts'
import type { SessionLimits } from './limits.ts'
import { close, type Reply } from './wire/reply.ts'

export interface LoginTools {
  readonly clock: Clock
  readonly log: Log
  readonly limits: SessionLimits
}

export interface Refused {
  readonly kind: 'refused'
  readonly reply: Reply
  readonly cause: unknown
}

/** Logins of one session, and what a wrong one costs. */
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

  /** Runs one step of a proof; a refusal comes late, each time later, and ends the session after a few. */
  async prove<T>(step: () => Promise<T>): Promise<T | Refused> {
    try {
      return await step()
    } catch (cause) {
      const reply = replyFor(cause)
      // What is only malformed proves nothing, and costs nothing either.
      if (codeOf(cause) === 'INVALID') return { kind: 'refused', reply, cause }
      return { kind: 'refused', reply: await this.#refused(codeOf(cause) === 'AUTHENTICATION_FAILED', reply), cause }
    }
  }

  /** RFC 1939 section 7: who it is has been proved. */
  loggedIn(account: Account, messages: number): void {
    this.#tools.log.info({ session: this.#connection.id, account: account.id, messages }, 'logged in')
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
