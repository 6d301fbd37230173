import { isAscii } from 'node:buffer'
import { type AddressItem, type MailboxItem, parseAddressList } from './address-list.ts'
import { decodeWords } from './encoded-word.ts'
import { headerEnd, scanFields, unfold } from './header.ts'

/** RFC 5322 sections 3.6.2, 3.6.3 and 3.6.6, and RFC 5321's trace. */
const ADDRESS_FIELDS: ReadonlySet<string> = new Set(
  ['from', 'sender', 'reply-to', 'to', 'cc', 'bcc'].flatMap((name) => [name, `resent-${name}`]),
)
/** Their values are tokens and parameters: an encoded word may not stand in them (RFC 2047 section 5). */
const STRUCTURED_FIELDS: ReadonlySet<string> = new Set([
  'content-type',
  'content-disposition',
  'content-transfer-encoding',
  'content-id',
  'message-id',
  'in-reply-to',
  'references',
  'received',
  'return-path',
  'mime-version',
  'date',
])
/** 64 characters for a word with what is around it: the first one of a field stands behind its name. */
const MAX_WORD_OCTETS = 39
const MAX_LINE = 76

/**
 * A header section in UTF-8 as one in ASCII, for who cannot read the other (RFC 6858): texts and names become encoded
 * words, an address that ASCII cannot say becomes an empty group, and a field whose syntax has no room for either is
 * left out. Fields in ASCII stay as they are, octet for octet.
 * @param header up to its empty line, that one included
 */
export function downgradeHeader(header: Buffer): Buffer {
  const parts: Buffer[] = []
  const end = scanFields(header, (start, nameEnd, valueStart, fieldEnd) => {
    const field = header.subarray(start, fieldEnd)
    if (isAscii(field)) {
      parts.push(field)
      return
    }
    const name = header.toString('latin1', start, nameEnd)
    const value = downgradedValue(name.toLowerCase(), unfold(header, valueStart, fieldEnd))
    if (name !== '' && isAscii(Buffer.from(name, 'latin1')) && value !== undefined) {
      parts.push(Buffer.from(`${folded(`${name}: `, value)}\r\n`, 'latin1'))
    }
  })
  parts.push(header.subarray(end, headerEnd(header)))
  return Buffer.concat(parts)
}

/** @param value octets as characters. @returns words to be folded; undefined when the field has to go */
function downgradedValue(name: string, value: string): string[] | undefined {
  if (STRUCTURED_FIELDS.has(name)) return undefined
  if (ADDRESS_FIELDS.has(name)) {
    const items = parseAddressList(value)
    return items.flatMap((item, at) => separated(addressWords(item), at < items.length - 1 ? ',' : ''))
  }
  return encodedWords(decodeWords(value))
}

function addressWords(item: AddressItem): string[] {
  if (item.kind === 'mailbox') return mailboxWords(item)
  const members = item.members.flatMap((member, at) =>
    separated(mailboxWords(member), at < item.members.length - 1 ? ',' : ''),
  )
  return [...separated(phrase(item.name), ':'), ...separated(members, ';')]
}

function mailboxWords({ name, local = '', domain = '' }: MailboxItem): string[] {
  const address = `${local}@${domain}`
  const words = name === undefined ? [] : phrase(name)
  if (isAscii(Buffer.from(address, 'latin1'))) {
    const isAtoms = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+$/.test(local)
    const text = isAtoms ? address : `"${local.replace(/["\\]/g, '\\$&')}"@${domain}`
    return words.length === 0 ? [text] : [...words, `<${text}>`]
  }
  // RFC 6858 section 2.1: the address itself, as text of a group without members, so that nobody answers to it.
  const removed = encodedWords(`Internationalized Address ${decodeWords(address)} Removed`)
  return [...words, ...separated(removed, ':;')]
}

function phrase(name: string): string[] {
  if (!isAscii(Buffer.from(name, 'latin1'))) return encodedWords(decodeWords(name))
  return [/^[A-Za-z0-9 =?_-]*$/.test(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`]
}

/** Base64 encoded words (RFC 2047 section 4.1), cut between characters. */
function encodedWords(text: string): string[] {
  const words: string[] = []
  let chunk = ''
  let octets = 0
  const flush = () => {
    if (chunk !== '') words.push(`=?utf-8?B?${Buffer.from(chunk).toString('base64')}?=`)
    chunk = ''
    octets = 0
  }
  for (const character of text) {
    const length = Buffer.byteLength(character)
    if (octets + length > MAX_WORD_OCTETS) flush()
    chunk += character
    octets += length
  }
  flush()
  return words
}

/** Puts a mark behind the last word. */
function separated(words: readonly string[], mark: string): string[] {
  return words.map((word, at) => (at === words.length - 1 ? `${word}${mark}` : word))
}

function folded(name: string, words: readonly string[]): string {
  let text = name
  let columns = name.length
  for (const [at, word] of words.entries()) {
    const isNewLine = at > 0 && columns + 1 + word.length > MAX_LINE
    if (at > 0) text += isNewLine ? '\r\n ' : ' '
    columns = isNewLine ? 1 + word.length : columns + word.length + (at > 0 ? 1 : 0)
    text += word
  }
  return text
}
