import { isIPv6 } from 'node:net'
import type { Connection } from '../kernel/moments.ts'
import { type Address, formatAddress } from '../mail/address.ts'
import { formatDate } from '../mail/date-time.ts'
import type { IntakeRole } from './intake.ts'

export interface ReceivedFacts {
  readonly connection: Connection | undefined
  readonly role: IntakeRole
  readonly helo: string | undefined
  readonly isExtended: boolean
  readonly isAuthenticated: boolean
  readonly smtpUtf8: boolean
  readonly hostname: string
  readonly id: string
  /** Named in the field when there is one alone: a list would tell each of the others (RFC 5321 section 7.2). */
  readonly recipient: Address | undefined
  readonly at: number
}

const DOMAIN = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[A-Za-z0-9.:]+\])$/

/** Our Received field with its CRLF (RFC 5321 section 4.4, `with` as in RFC 3848 and RFC 6531 section 4.3). */
export function receivedField(facts: ReceivedFacts): Buffer {
  const { connection, hostname, id, recipient, at } = facts
  const lines: string[] = []
  if (connection !== undefined) {
    const literal = addressLiteral(connection.remoteAddress)
    const helo = facts.helo !== undefined && DOMAIN.test(facts.helo) ? facts.helo : literal
    lines.push(`from ${helo} (${literal})`)
  }
  const tls = connection?.tls
  lines.push(
    `by ${hostname} ${connection === undefined ? '' : `with ${protocolOf(facts)} `}id ${id}${tls === undefined ? '' : ` (${tls.version} ${tls.cipher})`}`,
  )
  if (recipient !== undefined) lines.push(`for <${formatAddress(recipient)}>`)
  return Buffer.from(`Received: ${lines.join('\r\n\t')};\r\n\t${formatDate(at)}\r\n`)
}

/** Who gets the failure report (RFC 5321 section 4.4). */
export function returnPathField(sender: Address | undefined): Buffer {
  return Buffer.from(`Return-Path: <${sender === undefined ? '' : formatAddress(sender)}>\r\n`)
}

function protocolOf({ role, isExtended, isAuthenticated, smtpUtf8, connection }: ReceivedFacts): string {
  const secured = `${connection?.tls === undefined ? '' : 'S'}${isAuthenticated ? 'A' : ''}`
  if (role === 'lmtp') return `${smtpUtf8 ? 'UTF8' : ''}LMTP${secured}`
  if (!isExtended) return 'SMTP'
  return `${smtpUtf8 ? 'UTF8' : 'E'}SMTP${secured}`
}

function addressLiteral(address: string): string {
  if (address === '') return '[unix]'
  return isIPv6(address) ? `[IPv6:${address}]` : `[${address}]`
}
