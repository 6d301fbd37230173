import { formatAddress } from '../mail/address.ts'
import { formatDate } from '../mail/date-time.ts'
import type { ReportKind } from './outcome.ts'
import type { ReportContent, ReportedRecipient } from './reports.ts'

const ACTION = { failed: 'failed', delayed: 'delayed', relayed: 'relayed' } as const satisfies Record<
  ReportKind,
  string
>

const SUBJECT = {
  failed: 'Undelivered mail returned to sender',
  delayed: 'Delayed mail (still being retried)',
  relayed: 'Your message was relayed',
} as const satisfies Record<ReportKind, string>

const EXPLANATION = {
  failed: 'Your message could not be delivered to the following recipients. It will not be tried again.',
  delayed:
    'Your message has not been delivered to the following recipients yet. You need do nothing: it will be tried again.',
  relayed:
    'Your message was handed to the following mail servers, which do not send reports of success. You may hear no more.',
} as const satisfies Record<ReportKind, string>

/** A delivery status notification (RFC 3464), as it is sent. */
export function composeReport(hostname: string, content: ReportContent): Buffer {
  const { kind, to, message, recipients, id, at, returned } = content
  const boundary = `=_${id}`
  const returnedType = returned.what === 'full' ? 'message/rfc822' : 'text/rfc822-headers'
  const subject = message.subject === undefined ? [] : [`Subject of your message: ${line(message.subject)}`, '']
  const head = [
    `From: Mail Delivery System <postmaster@${hostname}>`,
    `To: <${formatAddress(to)}>`,
    `Subject: ${SUBJECT[kind]}`,
    `Date: ${formatDate(at)}`,
    `Message-ID: <${id}@${hostname}>`,
    ...(message.messageIdHeader === undefined ? [] : [`In-Reply-To: ${line(message.messageIdHeader)}`]),
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status;',
    ` boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    `This is the mail system at ${hostname}.`,
    '',
    EXPLANATION[kind],
    '',
    ...subject,
    ...recipients.flatMap(({ entry, attempt }) => [
      `<${formatAddress(entry.recipient.address)}>`,
      ...(attempt.remote === undefined ? [] : [`  ${attempt.remote} said:`]),
      ...wrap(line(attempt.text)),
      '',
    ]),
    `--${boundary}`,
    'Content-Type: message/delivery-status',
    '',
    `Reporting-MTA: dns; ${hostname}`,
    ...(message.envelope.envelopeId === undefined
      ? []
      : [`Original-Envelope-Id: ${line(message.envelope.envelopeId)}`]),
    `Arrival-Date: ${formatDate(message.arrivedAt)}`,
    '',
    ...recipients.flatMap((recipient) => [...recipientFields(kind, recipient), '']),
    `--${boundary}`,
    `Content-Type: ${returnedType}`,
    'Content-Transfer-Encoding: 8bit',
    '',
    '',
  ]
  return Buffer.concat([Buffer.from(head.join('\r\n')), returned.bytes, Buffer.from(`\r\n--${boundary}--\r\n`)])
}

/** RFC 3464 section 2.3. */
function recipientFields(kind: ReportKind, { entry, attempt }: ReportedRecipient): string[] {
  const { recipient } = entry
  const host = attempt.remote?.split(' ')[0]
  const isReply = /^[245]\d\d[ -]/.test(attempt.text)
  return [
    ...(recipient.originalRecipient === undefined ? [] : [`Original-Recipient: ${line(recipient.originalRecipient)}`]),
    `Final-Recipient: rfc822; ${formatAddress(recipient.address)}`,
    `Action: ${ACTION[kind]}`,
    `Status: ${attempt.status}`,
    ...(host === undefined ? [] : [`Remote-MTA: dns; ${host}`]),
    ...(attempt.text === '' ? [] : [`Diagnostic-Code: ${isReply ? 'smtp' : 'x-mailserver'}; ${line(attempt.text)}`]),
    `Last-Attempt-Date: ${formatDate(attempt.at)}`,
    ...(kind === 'delayed' ? [`Will-Retry-Until: ${formatDate(entry.expiresAt)}`] : []),
  ]
}

/** One line, whatever a remote server said: nothing it sends may become a header field. */
const line = (text: string): string =>
  text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 900)

function wrap(text: string): string[] {
  const rows = text.match(/.{1,70}(?:\s|$)|\S{1,70}/g) ?? []
  return rows.map((row) => `    ${row.trimEnd()}`)
}
