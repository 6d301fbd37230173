/**
 * Delivery status notifications (RFC 3464, RFC 3461 section 6, RFC 6522; RFC 6533 for SMTPUTF8): what the sender of a
 * message is told of it. Three parts: plain words, the same for programs, and the message or its header. CRLF line
 * ends alone and no line above 998 octets, whatever a remote server or the original says.
 */
import { createHash } from 'node:crypto'
import { formatDate } from './date-time.ts'
import { encodeQuotedPrintable } from './quoted-printable.ts'
import { deliveryStatus } from './report-status.ts'
import { reportSubject, reportText } from './report-text.ts'
import { isAscii, oneLine } from './report-words.ts'
import { returnedContent } from './returned-content.ts'

/** RFC 3464 section 2.3.3. */
export type ReportAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'

export interface ReportedRecipient {
  /** Final recipient as it was tried. */
  readonly address: string
  readonly action: ReportAction
  /** Enhanced status code (RFC 3463), e.g. `5.1.1`. */
  readonly status: string
  /** ORCPT, decoded from xtext: `rfc822;alice@example.test`. */
  readonly originalRecipient?: string
  /** Name of the host that answered; absent when none was reached. */
  readonly remoteHost?: string
  /** The remote's reply word for word, or our own description when there was no remote. */
  readonly diagnostic?: string
  /** Milliseconds since the epoch, as are all times here. */
  readonly lastAttemptAt?: number
  /** For a delayed recipient: when it will be given up. */
  readonly willRetryUntil?: number
}

export interface Report {
  /** Name of this server. */
  readonly hostname: string
  /** Address the report is from in its header; `postmaster` of the server when left out. */
  readonly from?: string
  /** Reverse-path of the original: who is told. */
  readonly to: string
  /** Message-ID of the report; brackets are put on when it has none. */
  readonly messageId: string
  readonly at: number
  readonly recipients: readonly ReportedRecipient[]
  /** The original message. */
  readonly original: {
    readonly arrivedAt?: number
    /** ENVID, decoded from xtext. */
    readonly envelopeId?: string
    readonly messageId?: string
    /** Decoded. */
    readonly subject?: string
    /** Its bytes, whole or as much as there is: header section first. */
    readonly bytes: Buffer
  }
  /** RFC 3461 section 4.3; a report that is no failure returns the header alone. */
  readonly returnContent: 'full' | 'headers'
  /** The original was SMTPUTF8, so its sender can read a report that is. */
  readonly smtpUtf8: boolean
  /** Originals above this are returned as their header; 256 KiB when left out. */
  readonly maxReturnedBytes?: number
}

const DEFAULT_MAX_RETURNED_BYTES = 256 * 1024

/** The report as it is sent. Its envelope is the caller's: the null reverse-path, to `report.to`. */
export function composeReport(report: Report): Buffer {
  const hasFailed = report.recipients.some(({ action }) => action === 'failed')
  const returned = returnedContent(report.original.bytes, {
    isFull: hasFailed && report.returnContent === 'full',
    isGlobal: report.smtpUtf8,
    maxBytes: report.maxReturnedBytes ?? DEFAULT_MAX_RETURNED_BYTES,
  })
  const text = textPart(reportText(report), report.smtpUtf8)
  const status = deliveryStatus(report)
  const statusType = report.smtpUtf8 ? 'message/global-delivery-status' : 'message/delivery-status'
  const statusPart = `Content-Type: ${statusType}\r\nContent-Description: Delivery report\r\nContent-Transfer-Encoding: ${encodingOf(status)}\r\n\r\n${status}`
  const returnedHead = `Content-Type: ${returned.type}\r\nContent-Description: ${returned.description}\r\nContent-Transfer-Encoding: ${returned.encoding}\r\n\r\n`

  const boundary = boundaryFor(text, status, returned.bytes)
  const is8Bit = returned.encoding === '8bit' || !isAscii(text) || !isAscii(status)
  const head = `${header(report, boundary, is8Bit)}\r\n--${boundary}\r\n${text}\r\n--${boundary}\r\n${statusPart}--${boundary}\r\n${returnedHead}`
  return Buffer.concat([Buffer.from(head), returned.bytes, Buffer.from(`\r\n--${boundary}--\r\n`)])
}

function header(report: Report, boundary: string, is8Bit: boolean): string {
  const { hostname, original } = report
  const originalId = original.messageId === undefined ? undefined : oneLine(original.messageId)
  const canThread = originalId !== undefined && /^<[!-;=?-~]+>$/.test(originalId)
  const fields = [
    `From: Mail Delivery System <${oneLine(report.from ?? `postmaster@${hostname}`)}>`,
    `To: <${oneLine(report.to)}>`,
    `Subject: ${reportSubject(report.recipients)}`,
    `Date: ${formatDate(report.at)}`,
    `Message-ID: <${oneLine(report.messageId).replace(/[<>\s]/g, '')}>`,
    ...(canThread ? [`In-Reply-To: ${originalId}`, `References: ${originalId}`] : []),
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary}"`,
    ...(is8Bit ? ['Content-Transfer-Encoding: 8bit'] : []),
  ]
  return `${fields.join('\r\n')}\r\n`
}

/** Words that are not ASCII are quoted-printable, so that the report needs no 8BITMIME of any server on its way. */
function textPart(text: string, isGlobal: boolean): string {
  if (isAscii(text))
    return `Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n${text}`
  if (isGlobal) return `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${text}`
  return `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${encodeQuotedPrintable(text)}`
}

const encodingOf = (text: string): string => (isAscii(text) ? '7bit' : '8bit')

/** Made from what it separates, so that none of that can hold it, and the same report has the same bytes. */
function boundaryFor(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return `=_report_${hash.digest('hex').slice(0, 40)}`
}
