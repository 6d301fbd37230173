import { type Answer, codeOf, type MailErrorCode } from 'mailserver'
import { CLOSE, type Reply, reply } from './wire/reply.ts'

const UNAVAILABLE = reply(451, '4.3.0', 'Temporary local problem, try again later')

/** What AUTH answers when the core throws (RFC 4954 section 6). A new code does not compile until it has a row. */
const REPLIES = {
  AUTHENTICATION_FAILED: reply(535, '5.7.8', 'Authentication credentials invalid'),
  LIMIT_REACHED: reply(421, '4.7.0', 'Too many attempts, try again later', CLOSE),
  NOT_ALLOWED: reply(535, '5.7.8', 'Authentication credentials invalid'),
  INVALID: reply(501, '5.5.2', 'Cannot decode that'),
  UNAVAILABLE: reply(454, '4.7.0', 'Temporary authentication failure'),
  RECIPIENT_UNKNOWN: UNAVAILABLE,
  RELAY_DENIED: UNAVAILABLE,
  SENDER_NOT_ALLOWED: UNAVAILABLE,
  OVER_QUOTA: UNAVAILABLE,
  TOO_LARGE: UNAVAILABLE,
  MAILBOX_NOT_FOUND: UNAVAILABLE,
  MAILBOX_EXISTS: UNAVAILABLE,
  NOT_FOUND: UNAVAILABLE,
  CONFLICT: UNAVAILABLE,
  IN_USE: UNAVAILABLE,
  STORE_FULL: UNAVAILABLE,
  CORRUPT: UNAVAILABLE,
} as const satisfies Record<MailErrorCode, Reply>

/** The answer to a login that threw. */
export const authReplyFor = (error: unknown): Reply => REPLIES[codeOf(error)]

/** The core's answer in words of SMTP. @param ok what to say when it is yes */
export function replyOf(answer: Answer, ok: Reply): Reply {
  if (answer.ok) return answer.text === undefined ? ok : { ...ok, lines: [answer.text] }
  // RFC 5321 section 3.8: after 421 the connection ends, whoever said it.
  return reply(answer.reply, answer.code, answer.text, answer.reply === 421 ? CLOSE : undefined)
}

/** A fault of ours in a command: never permanent. */
export const FAULT: Reply = UNAVAILABLE
