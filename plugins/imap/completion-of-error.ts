import { codeOf, type MailErrorCode } from 'mailserver'
import { bad, type Completion, no } from './completion.ts'
import { DamagedMessages } from './fetch/damaged-messages.ts'
import { UnknownEncoding } from './fetch/decoded-part.ts'
import { TooManyMessages } from './message-limit.ts'
import { NoPermission } from './no-permission.ts'
import { UID_REQUIRED, UidRequired } from './uid-only.ts'
import { SEARCH_CHARSETS, UnknownCharset } from './wire/search-keys.ts'
import { SyntaxFault } from './wire/syntax-fault.ts'

/** What each error of the core is in IMAP (codes of RFC 3501 section 7.1 and RFC 5530 section 3). */
const COMPLETIONS = {
  RECIPIENT_UNKNOWN: no('There is no such recipient', 'CANNOT'),
  RELAY_DENIED: no('Not permitted', 'NOPERM'),
  SENDER_NOT_ALLOWED: no('Not permitted', 'NOPERM'),
  NOT_ALLOWED: no('Not possible with this mailbox', 'CANNOT'),
  AUTHENTICATION_FAILED: no('Authentication failed', 'AUTHENTICATIONFAILED'),
  OVER_QUOTA: no('Quota exceeded', 'OVERQUOTA'),
  TOO_LARGE: no('Message is too large', 'TOOBIG'),
  LIMIT_REACHED: no('Limit reached', 'LIMIT'),
  MAILBOX_NOT_FOUND: no('There is no such mailbox', 'NONEXISTENT'),
  MAILBOX_EXISTS: no('Mailbox exists already', 'ALREADYEXISTS'),
  NOT_FOUND: no('There is no such message', 'EXPUNGEISSUED'),
  INVALID: no('Not a possible name or value', 'CANNOT'),
  CONFLICT: no('Something else has changed it', 'INUSE'),
  IN_USE: no('Mailbox is in use', 'INUSE'),
  STORE_FULL: no('There is no room in the store', 'UNAVAILABLE'),
  CORRUPT: no('The message cannot be read', 'SERVERBUG'),
  UNAVAILABLE: no('Temporary failure, try again later', 'UNAVAILABLE'),
} as const satisfies Record<MailErrorCode, Completion>

/** RFC 5530 section 3. */
export const NOT_PERMITTED = no('You do not have the right', 'NOPERM')

/** The answer to a command that threw. What is not a MailError is our own fault: its detail goes to the log alone. */
export function completionOfError(error: unknown): Completion {
  if (error instanceof SyntaxFault) return bad(error.message)
  if (error instanceof DamagedMessages) return no(error.message, 'SERVERBUG')
  if (error instanceof UnknownCharset) return no('Unknown charset', `BADCHARSET (${SEARCH_CHARSETS.join(' ')})`)
  if (error instanceof UnknownEncoding) return no('That transfer encoding is not known here', 'UNKNOWN-CTE')
  if (error instanceof NoPermission) return NOT_PERMITTED
  if (error instanceof UidRequired) return UID_REQUIRED
  if (error instanceof TooManyMessages) return no(error.message, `MESSAGELIMIT ${error.limit}`)
  return COMPLETIONS[codeOf(error)]
}
