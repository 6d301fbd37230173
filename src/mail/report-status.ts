/** The part of a report that programs read: message/delivery-status (RFC 3464 section 2), or its UTF-8 form (RFC 6533 section 4). */
import { formatDate } from './date-time.ts'
import type { Report, ReportedRecipient } from './report.ts'
import { isAscii, isSmtpReply, oneLine } from './report-words.ts'
import { decodeUtf8AddressXtext, encodeUtf8AddressXtext } from './xtext.ts'

const STATUS = /^[245]\.\d{1,3}\.\d{1,3}$/
const FALLBACK_STATUS = {
  failed: '5.0.0',
  delayed: '4.0.0',
  delivered: '2.0.0',
  relayed: '2.0.0',
  expanded: '2.0.0',
} as const

/** Fields of the message, then of each recipient; a blank line after each group. */
export function deliveryStatus(report: Report): string {
  const { hostname, original, smtpUtf8 } = report
  const text = (value: string) => plain(value, smtpUtf8)
  const lines = [
    ...(original.envelopeId === undefined ? [] : [`Original-Envelope-Id: ${text(original.envelopeId)}`]),
    `Reporting-MTA: dns; ${text(hostname)}`,
    ...(original.arrivedAt === undefined ? [] : [`Arrival-Date: ${formatDate(original.arrivedAt)}`]),
    '',
    ...report.recipients.flatMap((recipient) => [...recipientFields(recipient, smtpUtf8), '']),
  ]
  return `${lines.join('\r\n')}\r\n`
}

function recipientFields(recipient: ReportedRecipient, isGlobal: boolean): string[] {
  const { action, status, remoteHost, diagnostic, lastAttemptAt, willRetryUntil } = recipient
  const fields: string[] = []
  const original = originalRecipient(recipient, isGlobal)
  if (original !== undefined) fields.push(`Original-Recipient: ${original}`)
  fields.push(
    `Final-Recipient: ${typedAddress(recipient.address, isGlobal)}`,
    `Action: ${action}`,
    `Status: ${STATUS.test(status) ? status : FALLBACK_STATUS[action]}`,
  )
  if (remoteHost !== undefined) fields.push(`Remote-MTA: dns; ${plain(remoteHost, isGlobal)}`)
  if (diagnostic !== undefined && diagnostic.trim() !== '') {
    // RFC 3464 section 2.3.6: `smtp` is for the words of an SMTP server alone; ours are of a type of our own.
    const type = isSmtpReply(diagnostic) ? 'smtp' : 'x-mailserver'
    fields.push(`Diagnostic-Code: ${type}; ${plain(diagnostic, isGlobal)}`)
  }
  if (lastAttemptAt !== undefined) fields.push(`Last-Attempt-Date: ${formatDate(lastAttemptAt)}`)
  if (willRetryUntil !== undefined && action === 'delayed')
    fields.push(`Will-Retry-Until: ${formatDate(willRetryUntil)}`)
  return fields
}

/** RFC 3464 section 2.3.1: given back as the sender wrote it. A type that is missing is rfc822. */
function originalRecipient({ originalRecipient: text }: ReportedRecipient, isGlobal: boolean): string | undefined {
  if (text === undefined) return undefined
  const typed = /^([A-Za-z0-9-]{1,64});(.*)$/s.exec(oneLine(text))
  const [type, address] = typed === null ? ['rfc822', oneLine(text)] : [typed[1] as string, (typed[2] as string).trim()]
  if (type.toLowerCase() === 'utf-8') return typedAddress(decodeUtf8AddressXtext(address) ?? address, isGlobal)
  return `${type}; ${plain(address, isGlobal)}`
}

/** RFC 6533 section 3: an address that is not ASCII has the type `utf-8`, and where the report is ASCII, escapes. */
function typedAddress(address: string, isGlobal: boolean): string {
  const clean = oneLine(address)
  if (isAscii(clean)) return `rfc822; ${clean}`
  return `utf-8; ${isGlobal ? clean : encodeUtf8AddressXtext(clean)}`
}

/** RFC 3464 section 2.1: the part is US-ASCII, unless it is the UTF-8 form. */
function plain(text: string, isGlobal: boolean): string {
  const clean = oneLine(text)
  return isGlobal ? clean : clean.replace(/[^ -~]/gu, '?')
}
