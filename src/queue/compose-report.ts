import { formatAddress } from '../mail/address.ts'
import { receivedField } from '../mail/received.ts'
import { composeReport as compose, type ReportAction } from '../mail/report.ts'
import type { ReportKind } from './outcome.ts'
import { MAX_RETURNED_BYTES, type ReportContent } from './reports.ts'

const ACTION = { failed: 'failed', delayed: 'delayed', relayed: 'relayed' } as const satisfies Record<
  ReportKind,
  ReportAction
>

/** The report as it is sent (RFC 3464), below the trace field by which a loop would be counted (RFC 5321 section 6.3). */
export function composeReport(hostname: string, content: ReportContent): Buffer {
  const { kind, to, message, recipients, id, at, returned } = content
  const { envelope, messageIdHeader, subject } = message
  const received = receivedField({
    by: hostname,
    protocol: 'ESMTP',
    isAuthenticated: false,
    smtpUtf8: envelope.smtpUtf8,
    id,
    recipients: [to],
    at,
  })
  const report = compose({
    hostname,
    to: formatAddress(to),
    messageId: `${id}@${hostname}`,
    at,
    recipients: recipients.map(({ entry, attempt }) => {
      const { recipient, expiresAt } = entry
      return {
        address: formatAddress(recipient.address),
        action: ACTION[kind],
        status: attempt.status,
        lastAttemptAt: attempt.at,
        diagnostic: attempt.text,
        ...(recipient.originalRecipient !== undefined && { originalRecipient: recipient.originalRecipient }),
        ...(attempt.remote !== undefined && { remoteHost: hostOf(attempt.remote) }),
        ...(kind === 'delayed' && { willRetryUntil: expiresAt }),
      }
    }),
    original: {
      arrivedAt: message.arrivedAt,
      bytes: returned,
      ...(envelope.envelopeId !== undefined && { envelopeId: envelope.envelopeId }),
      ...(messageIdHeader !== undefined && { messageId: messageIdHeader }),
      ...(subject !== undefined && { subject }),
    },
    // A message that is too large to return was not read to its end.
    returnContent: returned.length < message.size ? 'headers' : (envelope.returnContent ?? 'headers'),
    smtpUtf8: envelope.smtpUtf8,
    maxReturnedBytes: MAX_RETURNED_BYTES,
  })
  return Buffer.concat([received, report])
}

/** The name in `mx1.example.net [192.0.2.1]:25`. */
const hostOf = (remote: string): string => remote.split(' ')[0] ?? remote
