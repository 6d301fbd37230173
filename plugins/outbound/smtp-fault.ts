/** Where a session broke: what is done about it depends on it. */
export type FaultPhase = 'connect' | 'session' | 'tls' | 'auth' | 'transaction'

/** The connection, or the session on it, failed. `reply` is what the server said last, when it said why. */
export class SmtpFault extends Error {
  override readonly name = 'SmtpFault'
  readonly phase: FaultPhase
  readonly reply: string | undefined
  /** What the server was told. */
  readonly command: string | undefined

  constructor(
    phase: FaultPhase,
    message: string,
    options: { reply?: string | undefined; command?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.phase = phase
    this.reply = options.reply
    this.command = options.command
  }
}

/** A transaction broke off: some recipients may have been refused before. */
export class BrokenTransaction extends Error {
  override readonly name = 'BrokenTransaction'
  readonly rejected: ReadonlyMap<string, string>
  /** All of the message went out and no answer came: it may have been delivered. */
  readonly isUncertain: boolean
  /** The server said nothing at all in this transaction: an idle connection that had gone. */
  readonly isUnanswered: boolean
  /** The message could not be read: not the server's fault. */
  readonly isLocal: boolean

  constructor(
    message: string,
    state: {
      rejected: ReadonlyMap<string, string>
      isUncertain: boolean
      isUnanswered: boolean
      isLocal: boolean
      cause: unknown
    },
  ) {
    super(message, { cause: state.cause })
    this.rejected = state.rejected
    this.isUncertain = state.isUncertain
    this.isUnanswered = state.isUnanswered
    this.isLocal = state.isLocal
  }
}

/** What nodemailer's errors carry. */
export interface ClientError extends Error {
  readonly code?: string | undefined
  readonly response?: string | undefined
  readonly command?: string | undefined
}

/** An error of nodemailer's, or of the socket, as a fault; the reply apart from the words. */
export function faultOf(phase: FaultPhase, cause: unknown): SmtpFault {
  if (cause instanceof SmtpFault) return cause
  const error = cause as ClientError
  const message = error.response === undefined ? error.message : error.message.replace(`: ${error.response}`, '')
  return new SmtpFault(phase, message, { reply: error.response, command: error.command, cause })
}
