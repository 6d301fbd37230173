import { decodeUtf8AddressXtext, decodeXtext, type Notify, type Recipient } from 'mailserver'
import type { Dialog } from '../dialog.ts'
import { replyOf } from '../reply-for.ts'
import { addressOf, parsePath } from '../wire/path.ts'
import { type Reply, reply } from '../wire/reply.ts'

const OK = reply(250, '2.1.5', 'Ok')
const BAD_PARAMETER = reply(501, '5.5.4', 'Syntax error in a parameter of RCPT')
/** RFC 3461 section 4.2 */
const MAX_ORIGINAL_RECIPIENT = 500
const NOTIFY: ReadonlyMap<string, Notify> = new Map([
  ['NEVER', 'never'],
  ['SUCCESS', 'success'],
  ['FAILURE', 'failure'],
  ['DELAY', 'delay'],
])

/** RCPT (RFC 5321 section 4.1.1.3). */
export async function rcpt(dialog: Dialog, argument: string): Promise<Reply> {
  const { profile, intake, transaction } = dialog
  if (transaction === undefined) return reply(503, '5.5.1', 'Say MAIL first')
  const parsed = parsePath(argument, 'TO')
  if (parsed === 'parameters') return BAD_PARAMETER
  if (parsed === undefined || parsed.path === '') return reply(501, '5.1.3', 'Syntax: RCPT TO:<address>')
  const address = addressOf(parsed.path, profile.hostname)
  if (address === undefined) return reply(501, '5.1.3', 'That is no address')
  // RFC 6531 section 3.5
  if (!transaction.smtpUtf8 && /[^\0-\x7f]/.test(parsed.path)) {
    return reply(553, '5.6.7', 'That address needs SMTPUTF8')
  }
  const extra: { notify?: readonly Notify[]; originalRecipient?: string } = {}
  for (const [keyword, value] of parsed.parameters) {
    if (keyword === 'NOTIFY') {
      const notify = notifyOf(value)
      if (notify === undefined) return BAD_PARAMETER
      extra.notify = notify
    } else if (keyword === 'ORCPT') {
      const original = originalOf(value, transaction.smtpUtf8)
      if (original === undefined) return BAD_PARAMETER
      extra.originalRecipient = original
    } else {
      return reply(555, '5.5.4', `Parameter ${keyword} is not recognized`)
    }
  }
  const recipient: Recipient = { address, ...extra }
  const answer = await intake.rcptTo(recipient)
  if (answer.ok) transaction.recipients += 1
  return replyOf(answer, OK)
}

/** RFC 3461 section 4.1: NEVER stands alone. */
function notifyOf(value: string | true): readonly Notify[] | undefined {
  if (value === true) return undefined
  const events = value.split(',').map((word) => NOTIFY.get(word.toUpperCase()))
  const known = events.filter((event) => event !== undefined)
  if (known.length !== events.length || (known.includes('never') && known.length > 1)) return undefined
  return [...new Set(known)]
}

/** RFC 6533 section 3, utf-8-addr-unitext: as it is, where the session speaks UTF-8. */
const UNITEXT = /^[!-*,-<>-~\u0080-\u{10ffff}]+$/u

/** `rfc822;` and an address in xtext, or `utf-8;` and one with its own letters. */
function originalOf(value: string | true, isUtf8: boolean): string | undefined {
  if (value === true || value.length > MAX_ORIGINAL_RECIPIENT) return undefined
  const semicolon = value.indexOf(';')
  const type = value.slice(0, Math.max(0, semicolon))
  const text = value.slice(semicolon + 1)
  const isUnitext = isUtf8 && type.toLowerCase() === 'utf-8' && /[^\0-\x7f]/.test(text) && UNITEXT.test(text)
  const decoded = isUnitext ? decodeUtf8AddressXtext(text) : decodeXtext(text)
  if (!/^[A-Za-z0-9-]+$/.test(type) || decoded === undefined || decoded === '') return undefined
  return `${type};${decoded}`
}
