import { Arguments } from './arguments.ts'
import { canonicalMailbox } from './mailbox-name.ts'
import { parseSection, type Section, WHOLE } from './section.ts'

/** A message, or a piece of one, as a URL names it (RFC 5092). */
export interface MessageUrl {
  /** Whose it is, as `;AUTH=` leaves it; undefined when the URL does not say. */
  readonly user: string | undefined
  /** undefined when it is the server that is spoken to. */
  readonly host: string | undefined
  /** undefined: the one that is selected. */
  readonly mailbox: string | undefined
  readonly uidValidity: number | undefined
  readonly uid: number
  readonly section: Section
  /** Octets of the section (`;PARTIAL=`, RFC 5092 section 6.1). */
  readonly partial: { readonly offset: number; readonly length: number } | undefined
}

const SERVER = /^imap:\/\/(?:([^@/]*)@)?([^@/]+)\//i
const MAILBOX = /^([^;?#]*?)(?:;UIDVALIDITY=(\d{1,10}))?(?=\/;UID=)/i
const MESSAGE = /^\/?;UID=(\d{1,10})(?:\/;SECTION=([^;?#]*?))?(?:\/;PARTIAL=(\d{1,15})(?:\.(\d{1,15}))?)?$/i
const NUMBER_LIMIT = 0xffffffff

/**
 * Reads the URL of a message, whole or relative to this server (`/INBOX/;UID=1`) or to the selected mailbox (`;UID=1`).
 * @returns undefined for everything else: other URLs, those with an authorisation, and broken ones
 */
export function parseMessageUrl(text: string): MessageUrl | undefined {
  const server = SERVER.exec(text)
  const path = server === null ? text : text.slice(server[0].length - 1)
  const mailbox = path.startsWith('/') && !path.startsWith('/;') ? MAILBOX.exec(path.slice(1)) : null
  const message = MESSAGE.exec(mailbox === null ? path : path.slice(1 + mailbox[0].length))
  if (message === null || (mailbox === null && (server !== null || path.startsWith('/')))) return undefined
  const uid = Number(message[1])
  const uidValidity = mailbox?.[2] === undefined ? undefined : Number(mailbox[2])
  const name = mailbox === null ? undefined : decoded(mailbox[1] ?? '')
  const user = server?.[1] === undefined ? undefined : decoded(server[1].replace(/;AUTH=.*$/i, ''))
  const section = message[2] === undefined ? WHOLE : sectionOf(message[2])
  const length = message[4] === undefined ? Number.POSITIVE_INFINITY : Number(message[4])
  if (uid === 0 || uid > NUMBER_LIMIT || section === undefined || length === 0) return undefined
  if (name === '' || (mailbox !== null && name === undefined) || (server?.[1] !== undefined && user === undefined))
    return undefined
  return {
    user: user === '' ? undefined : user,
    host: server?.[2]?.replace(/:\d+$/, '').toLowerCase(),
    mailbox: name === undefined ? undefined : canonicalMailbox(name),
    uidValidity,
    uid,
    section,
    partial: message[3] === undefined ? undefined : { offset: Number(message[3]), length },
  }
}

/** A URL inside a response code, where it may hold neither `]` nor what a quoted string does not take. */
export function formatBadUrl(url: string): string {
  const escaped = url.replace(
    /[^\x21\x23-\x5b\x5e-\x7e]/g,
    (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
  return `BADURL "${escaped}"`
}

function sectionOf(text: string): Section | undefined {
  const section = decoded(text)
  if (section === undefined || section === '') return undefined
  try {
    const args = new Arguments([{ kind: 'text', text: `${section}]` }])
    const parsed = parseSection(args)
    return args.isAtEnd ? parsed : undefined
  } catch {
    return undefined
  }
}

/** Without its percent signs; undefined when it is not UTF-8. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text).normalize('NFC')
  } catch {
    return undefined
  }
}
