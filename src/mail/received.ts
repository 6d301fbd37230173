/** Trace fields (RFC 5321 section 4.4). Nothing a peer says can begin a line or a comment of its own in one. */
import { isIPv6 } from 'node:net'
import { type Address, formatAddress } from './address.ts'
import { formatDate } from './date-time.ts'

export interface Trace {
  /** The peer; absent when the message is our own. */
  readonly from?: {
    /** As it was given in HELO, EHLO or LHLO. */
    readonly helo?: string
    /** IP address; empty for a unix socket. */
    readonly address: string
    /** Its name by reverse lookup, when that was verified. */
    readonly hostname?: string
  }
  readonly by: string
  /** `SMTP` after HELO, `ESMTP` after EHLO. */
  readonly protocol: 'SMTP' | 'ESMTP' | 'LMTP'
  readonly tls?: { readonly version: string; readonly cipher: string }
  readonly isAuthenticated: boolean
  readonly smtpUtf8: boolean
  readonly id: string
  /** Named when there is one alone: a list would tell each of the others (RFC 5321 section 7.2). */
  readonly recipients: readonly Address[]
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Minutes east of UTC. */
  readonly zone?: number
}

const MAX_COLUMNS = 78
const DOMAIN = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9_])?|\[[A-Za-z0-9.:]{1,64}\])$/

/** A Received field with its CRLF, folded. */
export function receivedField(trace: Trace): Buffer {
  const clauses: string[] = []
  if (trace.from !== undefined) {
    const literal = addressLiteral(trace.from.address)
    const { helo, hostname } = trace.from
    const name = hostname !== undefined && DOMAIN.test(hostname) ? `${hostname} ` : ''
    clauses.push(`from ${helo !== undefined && DOMAIN.test(helo) ? helo : literal}`, `(${name}${literal})`)
  }
  clauses.push(`by ${word(trace.by)}`)
  if (trace.tls !== undefined) clauses.push(`(${word(trace.tls.version)} ${word(trace.tls.cipher)})`)
  if (trace.from !== undefined) clauses.push(`with ${protocolKeyword(trace)}`)
  clauses.push(`id ${word(trace.id)}`)
  const recipient = trace.recipients.length === 1 ? trace.recipients[0] : undefined
  if (recipient !== undefined && isPrintable(recipient, trace.smtpUtf8))
    clauses.push(`for <${formatAddress(recipient)}>`)
  return Buffer.from(`${fold(`Received: ${clauses[0]}`, clauses.slice(1), formatDate(trace.at, trace.zone))}\r\n`)
}

/** Who gets the failure report, put on at final delivery (RFC 5321 section 4.4); undefined is the null reverse-path. */
export function returnPathField(sender: Address | undefined): Buffer {
  const path = sender === undefined || !isPrintable(sender, true) ? '' : formatAddress(sender)
  return Buffer.from(`Return-Path: <${path}>\r\n`)
}

/** RFC 3848; RFC 6531 section 4.3 for SMTPUTF8. */
export function protocolKeyword(trace: Pick<Trace, 'protocol' | 'tls' | 'isAuthenticated' | 'smtpUtf8'>): string {
  if (trace.protocol === 'SMTP') return 'SMTP'
  const name = trace.smtpUtf8 ? `UTF8${trace.protocol.replace(/^E/, '')}` : trace.protocol
  return `${name}${trace.tls === undefined ? '' : 'S'}${trace.isAuthenticated ? 'A' : ''}`
}

function fold(first: string, clauses: readonly string[], date: string): string {
  const parts = [...clauses.slice(0, -1), `${clauses.at(-1)};`, date]
  let text = first
  let columns = first.length
  for (const part of parts) {
    // A tab is shown as eight columns.
    const fits = columns + 1 + part.length <= MAX_COLUMNS
    text += fits ? ` ${part}` : `\r\n\t${part}`
    columns = fits ? columns + 1 + part.length : 8 + part.length
  }
  return text
}

/** A word that can end neither a line nor a comment. */
const word = (text: string): string => text.replace(/[^A-Za-z0-9._:/+=[\]-]/g, '').slice(0, 255) || 'unknown'

function isPrintable(address: Address, utf8Allowed: boolean): boolean {
  const text = formatAddress(address)
  return utf8Allowed ? !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text) : /^[ -~]*$/.test(text)
}

function addressLiteral(address: string): string {
  if (address === '') return '[unix]'
  // Node's own test is a long regular expression: for nearly all, looking for a colon will do.
  return address.includes(':') && isIPv6(address) ? `[IPv6:${word(address)}]` : `[${word(address)}]`
}
