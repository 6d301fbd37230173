/**
 * Values with parameters: Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2183), parameters split over
 * several names or encoded (RFC 2231). Input is octets as characters. Never throws; one pass.
 */
import { decodeExtendedValue, decodeWords } from './encoded-word.ts'

/** Names in lower case; a name that ends in `*` has a value that is still RFC 2231 encoded. */
export type Parameters = ReadonlyMap<string, string>

const MAX_PARAMETERS = 100
const MAX_SECTIONS = 1000

// RFC 2045's token, and what mailers put in one all the same: anything up to white space, `;`, a comment or a quote.
// Not `\s`: in octets as characters 0xA0 is half of a UTF-8 letter.
const NAME = /[^ \t\r\n;=(")]+/y
const VALUE = /[^ \t\r\n;("]+/y
const UNSEPARATED = /[A-Za-z0-9*-]{1,40}=/y
const TOKEN = /[^ \t\r\n()<>@,;:\\"/[\]?=]+/y

export interface ContentType {
  readonly type: string
  readonly subtype: string
  readonly parameters: Parameters
}

/** @returns undefined when it is no media type; then it is text/plain (RFC 2045 section 5.2) */
export function parseContentType(value: string): ContentType | undefined {
  const start = skipSpace(value, 0)
  const type = match(TOKEN, value, start)
  const slash = skipSpace(value, start + type.length)
  if (type === '' || value[slash] !== '/') return undefined
  const second = skipSpace(value, slash + 1)
  const subtype = match(TOKEN, value, second)
  if (subtype === '') return undefined
  return {
    type: type.toLowerCase(),
    subtype: subtype.toLowerCase(),
    parameters: parseParameters(value, second + subtype.length),
  }
}

/** One token and its parameters, as in Content-Disposition. @returns undefined when there is no token */
export function parseTokenWithParameters(value: string): { token: string; parameters: Parameters } | undefined {
  const start = skipSpace(value, 0)
  const token = match(TOKEN, value, start)
  if (token === '') return undefined
  return { token: token.toLowerCase(), parameters: parseParameters(value, start + token.length) }
}

/**
 * A value that is one token, in lower case, comments passed over: Content-Transfer-Encoding (RFC 2045 section 6.1).
 * @returns undefined when there is none, or more than it
 */
export function parseToken(value: string): string | undefined {
  const start = skipSpace(value, 0)
  const token = match(TOKEN, value, start).toLowerCase()
  return token === '' || skipSpace(value, start + token.length) < value.length ? undefined : token
}

/** Every token of a comma separated list: Content-Language (RFC 3282). */
export function parseTokenList(value: string): string[] {
  const tokens: string[] = []
  let at = 0
  while (at < value.length && tokens.length < MAX_PARAMETERS) {
    at = skipSpace(value, at)
    const token = match(TOKEN, value, at)
    if (token !== '') tokens.push(token)
    const comma = value.indexOf(',', at + token.length)
    if (comma === -1) break
    at = comma + 1
  }
  return tokens
}

/** A parameter as text, whichever way it was encoded: RFC 2231, encoded words, or raw. */
export function parameterText(parameters: Parameters, name: string): string | undefined {
  const extended = parameters.get(`${name}*`)
  if (extended !== undefined) return decodeExtendedValue(extended)
  const plain = parameters.get(name)
  return plain === undefined ? undefined : decodeWords(plain)
}

interface Section {
  readonly index: number
  readonly isEncoded: boolean
  readonly value: string
}

function parseParameters(text: string, from: number): Parameters {
  const parameters = new Map<string, string>()
  const split = new Map<string, Section[]>()
  let sections = 0
  let at = from
  while (at < text.length && parameters.size + split.size < MAX_PARAMETERS) {
    at = skipSpace(text, at)
    // A semicolon was forgotten where a name and its `=` follow.
    if (text[at] !== ';' && match(UNSEPARATED, text, at) === '') {
      at = skipTo(text, at, ';')
      if (at >= text.length) break
    }
    if (text[at] === ';') at = skipSpace(text, at + 1)
    const name = match(NAME, text, at).toLowerCase()
    at = skipSpace(text, at + name.length)
    if (name === '' || text[at] !== '=') continue
    at = skipSpace(text, at + 1)
    const [value, end] = readValue(text, at)
    at = end
    const section = /^(.+?)\*(\d{1,3})(\*?)$/.exec(name)
    if (section === null) {
      if (!parameters.has(name)) parameters.set(name, value)
    } else if (sections++ < MAX_SECTIONS) {
      const key = section[1] as string
      const list = split.get(key) ?? []
      list.push({ index: Number(section[2]), isEncoded: section[3] === '*', value })
      split.set(key, list)
    }
  }
  for (const [name, list] of split) join(parameters, name, list)
  return parameters
}

/** RFC 2231 section 3: sections in the order of their numbers, from 0 without a gap. */
function join(parameters: Map<string, string>, name: string, sections: Section[]): void {
  sections.sort((a, b) => a.index - b.index)
  const isEncoded = sections.some((section) => section.isEncoded)
  let value = ''
  let next = 0
  for (const section of sections) {
    if (section.index !== next) break
    // One name holds the whole: what was not encoded becomes so, where the others are.
    value += isEncoded && !section.isEncoded ? escapePercent(section.value) : section.value
    next++
  }
  const key = isEncoded ? `${name}*` : name
  if (next > 0 && !parameters.has(key)) parameters.set(key, value)
}

const escapePercent = (value: string): string =>
  value.replace(
    /[^A-Za-z0-9!#$&+.^_`{|}~-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )

function readValue(text: string, from: number): [value: string, end: number] {
  if (text[from] !== '"') {
    const value = match(VALUE, text, from)
    return [value, from + value.length]
  }
  let at = from + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  const inner = text.slice(from + 1, at)
  return [inner.includes('\\') ? inner.replace(/\\(.)/gs, '$1') : inner, at + 1]
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

/** The next `stop` outside of quotes; the text's length when there is none. */
function skipTo(text: string, from: number, stop: string): number {
  let isQuoted = false
  for (let at = from; at < text.length; at++) {
    const char = text[at]
    if (char === '\\') at++
    else if (char === '"') isQuoted = !isQuoted
    else if (char === stop && !isQuoted) return at
  }
  return text.length
}

/** White space and comments (RFC 5322 section 3.2.2). */
function skipSpace(text: string, from: number): number {
  let depth = 0
  let at = from
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 40) depth++
    else if (depth > 0) {
      if (code === 92) at++
      else if (code === 41) depth--
    } else if (code > 32) break
  }
  return at
}
