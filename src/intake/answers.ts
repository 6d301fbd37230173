import { codeOf, type MailErrorCode } from '../errors/mail-error.ts'
import type { Answer } from './intake.ts'

export type Refusal = Extract<Answer, { ok: false }>

export const OK: Answer = Object.freeze({ ok: true })

const no = (reply: number, code: string, text: string): Refusal => Object.freeze({ ok: false, reply, code, text })

/** The refusals of the core's own rules (RFC 5321 section 4.2, RFC 3463). */
export const REFUSED = {
  unavailable: no(451, '4.3.0', 'Temporary local problem, try again later'),
  noTransaction: no(503, '5.5.1', 'There is no mail transaction'),
  nested: no(503, '5.5.1', 'A mail transaction is open already'),
  noRecipients: no(554, '5.5.1', 'No valid recipients'),
  /** RFC 4954 section 6 */
  authenticationRequired: no(530, '5.7.0', 'Authentication required'),
  /** RFC 6409 section 6.1 */
  senderNotTheirs: no(550, '5.7.1', 'You may not send as this address'),
  fromNotTheirs: no(550, '5.7.1', 'The From field has an address that you may not send as'),
  unknownUser: no(550, '5.1.1', 'No such user here'),
  relayDenied: no(554, '5.7.1', 'Relaying denied'),
  /** RFC 5321 section 4.5.3.1.10: the client sends the others in another transaction */
  tooManyRecipients: no(452, '4.5.3', 'Too many recipients'),
  /** RFC 3463 section 3.3: mailbox full "should be used as a persistent transient failure" */
  overQuota: no(452, '4.2.2', 'Mailbox full'),
  /** RFC 3463 section 3.3: it can never fit, so trying again is of no use */
  largerThanMailbox: no(552, '5.2.3', 'Message is larger than this mailbox may be'),
  /** RFC 1870 section 6.1 */
  tooLarge: no(552, '5.3.4', 'Message is larger than this server takes'),
  headerTooLarge: no(552, '5.3.4', 'Message header is larger than this server takes'),
  /** RFC 5321 section 6.3 */
  loop: no(554, '5.4.6', 'Too many hops, this message goes round in a circle'),
  badRedirect: no(451, '4.3.5', 'This message is redirected to nowhere, the operator must correct that'),
  vanished: no(451, '4.4.2', 'Connection lost before the end of the message'),
} as const satisfies Record<string, Refusal>

/** What a fault of the core becomes. What is not a MailError is our fault, and temporary. */
const FAULTS = {
  RECIPIENT_UNKNOWN: REFUSED.unknownUser,
  RELAY_DENIED: REFUSED.relayDenied,
  SENDER_NOT_ALLOWED: REFUSED.senderNotTheirs,
  NOT_ALLOWED: no(550, '5.7.1', 'Not allowed'),
  AUTHENTICATION_FAILED: no(535, '5.7.8', 'Authentication credentials invalid'),
  OVER_QUOTA: REFUSED.overQuota,
  TOO_LARGE: REFUSED.tooLarge,
  LIMIT_REACHED: no(451, '4.3.2', 'Too much at once, try again later'),
  MAILBOX_NOT_FOUND: REFUSED.unavailable,
  MAILBOX_EXISTS: REFUSED.unavailable,
  NOT_FOUND: REFUSED.unavailable,
  INVALID: REFUSED.unavailable,
  CONFLICT: REFUSED.unavailable,
  IN_USE: REFUSED.unavailable,
  STORE_FULL: no(452, '4.3.1', 'No space left, try again later'),
  CORRUPT: REFUSED.unavailable,
  UNAVAILABLE: REFUSED.unavailable,
} as const satisfies Record<MailErrorCode, Refusal>

export const refusalFor = (error: unknown): Refusal => FAULTS[codeOf(error)]

/** `550 5.1.1 No such user here`, for journeys and logs. */
export const refusalText = ({ reply, code, text }: Refusal): string => `${reply} ${code} ${text}`
