/**
 * What can go wrong in the core, in the words of mail and not of any protocol.
 *
 * Each protocol maps every code to its own reply in one table (`satisfies Record<MailErrorCode, …>`),
 * so a new code does not compile until each protocol has said what it answers. An error that is not a
 * MailError is our fault: it is answered as UNAVAILABLE, and its detail goes to the log alone.
 */
export type MailErrorCode =
  | 'RECIPIENT_UNKNOWN'
  | 'RELAY_DENIED'
  | 'SENDER_NOT_ALLOWED'
  | 'NOT_ALLOWED'
  | 'AUTHENTICATION_FAILED'
  | 'OVER_QUOTA'
  | 'TOO_LARGE'
  | 'LIMIT_REACHED'
  | 'MAILBOX_NOT_FOUND'
  | 'MAILBOX_EXISTS'
  | 'NOT_FOUND'
  | 'INVALID'
  | 'CONFLICT'
  | 'IN_USE'
  | 'STORE_FULL'
  | 'CORRUPT'
  | 'UNAVAILABLE'

export class MailError extends Error {
  override readonly name = 'MailError'
  readonly code: MailErrorCode

  /** @param message for the operator's log: what happened, to what */
  constructor(code: MailErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The code of any thrown value; what is not a MailError is UNAVAILABLE. */
export function codeOf(error: unknown): MailErrorCode {
  return error instanceof MailError ? error.code : 'UNAVAILABLE'
}
