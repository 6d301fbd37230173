import {
  type Accepted,
  type Clock,
  type DrainReason,
  type Intake,
  LiveSet,
  type Log,
  type Sasl,
  type Sessions,
  saslChannel,
  type TlsContexts,
} from 'mailserver'
import { SMTPServer } from 'smtp-server'
import { MailConnection } from './connection.ts'
import type { Profile } from './dialog.ts'
import { Session } from './session.ts'
import type { StreamLimits } from './wire/command-stream.ts'

export interface ServerParts {
  readonly profile: Profile
  readonly earlyTalkerMs: number
  readonly intake: Intake
  readonly tls: TlsContexts
  readonly sasl: Sasl
  readonly sessions: Sessions
  readonly clock: Clock
  readonly log: Log
}

/** RFC 4954 section 4: base64 of credentials may make a line so long. */
const AUTH_LINE_BYTES = 12_288

/**
 * smtp-server without its listener: sockets come accepted, counted and, on a `tls://` endpoint, encrypted from the
 * server's own Listeners. Certificates are the server's too; the one that comes with the library is never loaded.
 */
export class MailServer extends SMTPServer {
  readonly streamLimits: StreamLimits
  readonly #parts: ServerParts
  readonly #open = new LiveSet<MailConnection>()
  readonly #waiting = new Set<() => void>()

  constructor(parts: ServerParts) {
    const { profile } = parts
    super({
      name: profile.hostname,
      lmtp: profile.role === 'lmtp',
      size: profile.messageBytes,
      socketTimeout: profile.limits.idleTimeout,
      disableReverseLookup: true,
      hideSTARTTLS: true,
      // It words a line for each step, whether it is wanted or not; what is worth a line our session says.
      logger: false,
    })
    this.#parts = parts
    const { commandBytes, textLineBytes } = profile.limits
    this.streamLimits = {
      commandBytes: profile.role === 'submission' ? Math.max(commandBytes, AUTH_LINE_BYTES) : commandBytes,
      textLineBytes,
      messageBytes: profile.messageBytes,
    }
  }

  /** The library would make a context of its built-in certificate, whose key everybody knows. */
  override updateSecureContext(): void {
    this.secureContext = new Map()
  }

  /** Begins a session. */
  accept(accepted: Accepted): void {
    const { profile, intake, tls, sasl, clock, sessions, earlyTalkerMs } = this.#parts
    const { connection: facts, socket } = accepted
    const log = this.#parts.log.child({ session: facts.id })
    const session = new Session({
      profile,
      intake: intake.open(facts, profile.role),
      sasl,
      channel: saslChannel(facts, socket, tls),
      log,
    })
    const connection: MailConnection = new MailConnection(this, {
      accepted,
      session,
      tls,
      clock,
      log,
      earlyTalkerMs,
      onClose: () => {
        forget()
        leave()
        if (this.#open.size === 0) for (const resolve of this.#waiting) resolve()
      },
    })
    const forget = sessions.add(() => ({
      id: facts.id,
      protocol: facts.protocol,
      remoteAddress: facts.remoteAddress,
      openedAt: facts.openedAt,
      state: connection.state,
      tls: session.isTls,
      ...(session.account !== undefined && {
        account: `${session.account.address.local}@${session.account.address.domain}`,
      }),
    }))
    // Not among the library's `connections`: counting them and closing them is ours.
    const leave = this.#open.add(connection)
    connection.init()
  }

  /**
   * Resolves when every session has ended. On `stop` idle ones hear 421 and transactions in hand may finish; on `reload` all
   * go on. When the signal fires, what is left is cut.
   */
  async drain(signal: AbortSignal, reason: DrainReason): Promise<void> {
    if (reason === 'stop') for (const connection of this.#open) connection.drain()
    if (this.#open.size > 0 && !signal.aborted) await this.#emptyOr(signal)
    if (signal.aborted) this.cut()
  }

  /** Ends every session at once. */
  cut(): void {
    for (const connection of this.#open) connection.cut()
  }

  #emptyOr(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
  }
}
