import { codeOf, type MailErrorCode } from 'mailserver'
import { type Reply, type ResponseCode, refuse } from './wire/reply.ts'

type Row = readonly [text: string, code?: ResponseCode]

const TRY_LATER: Row = ['Temporary problem, try again later', 'SYS/TEMP']

/** What each error of the core is to a POP3 client. A new code does not compile until it has a row. */
const ERROR_REPLIES = {
  AUTHENTICATION_FAILED: ['Invalid login or password', 'AUTH'],
  NOT_ALLOWED: ['Not allowed', 'SYS/PERM'],
  LIMIT_REACHED: ['Too many attempts, try again later', 'SYS/TEMP'],
  IN_USE: ['Mailbox is in use by another POP3 session', 'IN-USE'],
  NOT_FOUND: ['Message was removed by another session'],
  MAILBOX_NOT_FOUND: ['There is no mailbox', 'SYS/PERM'],
  CORRUPT: ['Message cannot be read', 'SYS/PERM'],
  INVALID: ['Invalid argument'],
  STORE_FULL: TRY_LATER,
  UNAVAILABLE: TRY_LATER,
  CONFLICT: ['Logged in too short a time ago, wait a little', 'LOGIN-DELAY'],
  MAILBOX_EXISTS: TRY_LATER,
  OVER_QUOTA: TRY_LATER,
  TOO_LARGE: TRY_LATER,
  RECIPIENT_UNKNOWN: TRY_LATER,
  RELAY_DENIED: TRY_LATER,
  SENDER_NOT_ALLOWED: TRY_LATER,
} satisfies Record<MailErrorCode, Row>

/** The answer to a command that failed; any thrown value will do. */
export function replyFor(error: unknown): Reply {
  const [text, code]: Row = ERROR_REPLIES[codeOf(error)]
  return { ...refuse(text, code), cause: error }
}
