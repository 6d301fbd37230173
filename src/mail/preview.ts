/** The first words of a message, as a list of messages shows them (RFC 8970): made at delivery of the beginning of its first text part. */
import { decodeCharset } from './encoded-word.ts'

/** RFC 8970 section 3.1: "limit preview text to 200 characters". */
const MAX_CHARACTERS = 200
/** Octets of the part that are looked at, before its transfer encoding is undone: HTML begins with much that nobody reads. */
const PLAIN_BYTES = 2 * 1024
const HTML_BYTES = 8 * 1024

/** What of a text part tells how to read it; all in lower case. */
export interface TextPart {
  readonly subtype: string
  readonly encoding: string
  readonly charset: string | undefined
}

/** How many octets of a part of this kind are worth keeping. */
export const previewBytes = (subtype: string): number => (subtype === 'html' ? HTML_BYTES : PLAIN_BYTES)

/**
 * At most 200 characters on one line; undefined when there is nothing to read.
 * @param beginning of the part's body; at most `previewBytes` of it are read
 */
export function previewOf(beginning: Buffer, { subtype, encoding, charset }: TextPart): string | undefined {
  const bytes = decodeTransfer(beginning.subarray(0, previewBytes(subtype)), encoding)
  const text = decodeCharset(bytes, charset ?? 'utf-8')
  const line = firstCharacters(subtype === 'html' ? textOfHtml(text) : text)
  return line === '' ? undefined : line
}

/** The beginning of a body with its transfer encoding undone (RFC 2045 section 6); what is cut short is left out. */
function decodeTransfer(bytes: Buffer, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(bytes.toString('latin1'), 'base64')
  return encoding === 'quoted-printable' ? decodeQuotedPrintable(bytes) : bytes
}

const EQUALS = 61
const CR = 13
const LF = 10

function decodeQuotedPrintable(bytes: Buffer): Buffer {
  const decoded = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at] as number
    if (octet !== EQUALS) {
      decoded[length++] = octet
      continue
    }
    const next = bytes[at + 1]
    if (next === undefined) break
    if (next === CR || next === LF) {
      at += next === CR && bytes[at + 2] === LF ? 2 : 1
      continue
    }
    const value = hexOf(next) * 16 + hexOf(bytes[at + 2])
    if (Number.isNaN(value)) {
      decoded[length++] = octet
      continue
    }
    decoded[length++] = value
    at += 2
  }
  return decoded.subarray(0, length)
}

function hexOf(octet: number | undefined): number {
  if (octet === undefined) return Number.NaN
  if (octet >= 48 && octet <= 57) return octet - 48
  const letter = octet | 0x20
  return letter >= 97 && letter <= 102 ? letter - 87 : Number.NaN
}

/** Elements whose content is no text. */
const UNREAD = /^<(head|style|script|title)\b/i
const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));/gi
const NAMED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
])

/** What is left of HTML without its tags, for a glance: no parser, and nothing of it is ever shown as HTML. */
function textOfHtml(html: string): string {
  let text = ''
  // Enough for the spaces that go when they are collapsed.
  for (let at = 0; at < html.length && text.length < MAX_CHARACTERS * 8; ) {
    const open = html.indexOf('<', at)
    text += html.slice(at, open === -1 ? html.length : open)
    if (open === -1) break
    text += ' '
    const end = endOfMarkup(html, open)
    if (end === -1) break
    at = end
  }
  return text.replace(ENTITY, (_, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return NAMED.get(name.toLowerCase()) ?? ' '
    const code = decimal === undefined ? Number.parseInt(hex as string, 16) : Number(decimal)
    return code > 0x1f && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : ' '
  })
}

/** @returns where text goes on after the tag, the comment or the unread element at `open`; -1 when its end is not there */
function endOfMarkup(html: string, open: number): number {
  if (html.startsWith('<!--', open)) return after(html, '-->', open)
  const unread = UNREAD.exec(html.slice(open, open + 8))
  if (unread === null) return after(html, '>', open)
  const close = html.indexOf(`</${unread[1]}`, open)
  return close === -1 ? -1 : after(html, '>', close)
}

function after(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from)
  return at === -1 ? -1 : at + what.length
}

/** White space, controls, and what stands for octets that could not be read. */
const isBlank = (code: number): boolean =>
  code <= 0x20 ||
  (code >= 0x7f && code <= 0xa0) ||
  (code >= 0x2000 && code <= 0x200b) ||
  (code >= 0x2028 && code <= 0x202f) ||
  code === 0x3000 ||
  code === 0xfffd

/** What takes no room: letters are joined or kept apart with it, and previews are padded with it. */
const isInvisible = (code: number): boolean =>
  code === 0xad || code === 0x34f || (code >= 0x200c && code <= 0x200f) || code === 0x2060 || code === 0xfeff

/** The first characters, each run of white space a single space. */
function firstCharacters(text: string): string {
  let line = ''
  for (let at = 0; at < text.length && line.length < MAX_CHARACTERS; ) {
    while (at < text.length && isBlank(text.charCodeAt(at))) at++
    let end = at
    let isVisible = false
    for (; end < text.length && !isBlank(text.charCodeAt(end)); end++) isVisible ||= !isInvisible(text.charCodeAt(end))
    if (isVisible) line += `${line === '' ? '' : ' '}${text.slice(at, end)}`
    at = end
  }
  return cut(line).trimEnd()
}

/** No half of a pair at its end. */
function cut(line: string): string {
  if (line.length <= MAX_CHARACTERS) return line
  const last = line.charCodeAt(MAX_CHARACTERS - 1)
  return line.slice(0, last >= 0xd800 && last <= 0xdbff ? MAX_CHARACTERS - 1 : MAX_CHARACTERS)
}
