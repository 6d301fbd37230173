/** The part of a report that people read: what happened to whom, why, and what can be done. */

import { formatDate } from './date-time.ts'
import { explainStatus } from './enhanced-status.ts'
import type { Report, ReportAction, ReportedRecipient } from './report.ts'
import { isSmtpReply, oneLine, wrap } from './report-words.ts'

/** Of a report with several, the first in this order names it. */
const ORDER = ['failed', 'delayed', 'relayed', 'expanded', 'delivered'] as const satisfies readonly ReportAction[]

const SUBJECTS = {
  failed: 'Your message could not be delivered',
  delayed: 'Your message is delayed',
  relayed: 'Your message was passed on',
  expanded: 'Your message was delivered',
  delivered: 'Your message was delivered',
} as const satisfies Record<ReportAction, string>

const INTRODUCTIONS = {
  failed: 'Your message could not be delivered to the addresses below. We will not try again.',
  delayed:
    'Your message has not reached the addresses below yet. We will keep trying. You do not need to do anything, and please do not send it again.',
  relayed:
    'Your message was passed on to the mail servers of the addresses below. Those servers do not confirm delivery, so you may not hear more.',
  expanded: 'Your message was delivered to the mailing lists below, and was sent on to their members.',
  delivered: 'Your message was delivered to the addresses below.',
} as const satisfies Record<ReportAction, string>

export function reportSubject(recipients: readonly ReportedRecipient[]): string {
  return SUBJECTS[ORDER.find((action) => recipients.some((recipient) => recipient.action === action)) ?? 'failed']
}

/** Lines end in CRLF; the last is empty. */
export function reportText(report: Report): string {
  const { original, hostname } = report
  const lines = [...wrap(`This is the mail server ${hostname}.`), '']
  for (const action of ORDER) {
    const recipients = report.recipients.filter((recipient) => recipient.action === action)
    if (recipients.length === 0) continue
    lines.push(...wrap(INTRODUCTIONS[action]), '')
    for (const recipient of recipients) lines.push(...recipientLines(recipient), '')
  }
  lines.push('Your message:', '')
  if (original.subject !== undefined) lines.push(...wrap(`Subject: ${oneLine(original.subject)}`, '  '))
  if (original.arrivedAt !== undefined) lines.push(`  Received here: ${formatDate(original.arrivedAt)}`)
  if (original.messageId !== undefined) lines.push(...wrap(`Message-ID: ${original.messageId}`, '  '))
  return `${lines.join('\r\n')}\r\n`
}

function recipientLines(recipient: ReportedRecipient): string[] {
  const { action, address, status, remoteHost, diagnostic, willRetryUntil } = recipient
  const lines = [`  ${oneLine(address)}`]
  if (action === 'failed' || action === 'delayed') {
    lines.push(...wrap(explainStatus(status), '    '))
    if (diagnostic !== undefined && diagnostic.trim() !== '') {
      lines.push(...wrap(diagnosticHead(diagnostic, remoteHost), '    '))
      lines.push(...wrap(diagnostic, '      '))
    }
    if (action === 'delayed' && willRetryUntil !== undefined) {
      lines.push(`    We will try until ${formatDate(willRetryUntil)}.`)
    }
  } else if (remoteHost !== undefined) {
    lines.push(...wrap(`Taken by the mail server ${remoteHost}.`, '    '))
  }
  return lines
}

/** What we say about a server must not look like what it said itself. */
function diagnosticHead(diagnostic: string, remoteHost: string | undefined): string {
  if (remoteHost === undefined) return 'In technical words:'
  return isSmtpReply(diagnostic)
    ? `The mail server ${remoteHost} said:`
    : `In technical words, of the mail server ${remoteHost}:`
}
