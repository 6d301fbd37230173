/**
 * Text of header fields: encoded words (RFC 2047) and extended parameter values (RFC 2231 section 4), and the raw
 * 8-bit text that senders put there. Input is octets as characters (latin1), as `fieldValue` gives it. Whatever comes,
 * there is an answer and it takes time in proportion to the input.
 */

// The encoded text may hold spaces: RFC 2047 forbids them, senders do it. Each `?` ends a group, so no input is scanned twice.
const ENCODED_WORD = /=\?([^?\s]{1,80})\?([BbQq])\?([^?]*)\?=/g
const GAP = /^[ \t\r\n]*$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: taking control characters out is the point
const SPACES = /[ \u0000-\u001f\u007f-\u009f\u2028\u2029]+/g

const MAX_CACHED_DECODERS = 64
const decoders = new Map<string, TextDecoder>()
const fallback = new TextDecoder('windows-1252')
const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/** Decodes encoded words in unstructured text or in a phrase. What is not well formed stays as it is. */
export function decodeWords(value: string): string {
  if (!value.includes('=?')) return decodeRaw(value)
  let text = ''
  let end = 0
  let bytes: Buffer[] = []
  let charset = ''
  const flush = () => {
    if (bytes.length === 0) return
    text += decodeCharset(Buffer.concat(bytes), charset)
    bytes = []
  }
  for (const match of value.matchAll(ENCODED_WORD)) {
    const [whole, label = '', encoding = '', content = ''] = match
    const gap = value.slice(end, match.index)
    // RFC 2047 section 6.2: white space between two encoded words is not shown.
    const isAdjacent = end > 0 && GAP.test(gap)
    if (!isAdjacent || label.toLowerCase() !== charset) flush()
    if (!isAdjacent) text += decodeRaw(gap)
    charset = label.toLowerCase()
    bytes.push(encoding === 'B' || encoding === 'b' ? Buffer.from(content, 'base64') : decodeQ(content))
    end = match.index + whole.length
  }
  flush()
  return text + decodeRaw(value.slice(end))
}

/** The same, on one line: controls, line ends and runs of spaces become single spaces. For subjects in logs, lists and search. */
export function decodeToLine(value: string): string {
  return decodeWords(value).replace(SPACES, ' ').trim()
}

/** Decodes `charset'language'percent-encoded` (RFC 2231 section 4). Without the quotes it is taken as UTF-8. */
export function decodeExtendedValue(value: string): string {
  const first = value.indexOf("'")
  const second = first === -1 ? -1 : value.indexOf("'", first + 1)
  const charset = second === -1 ? 'utf-8' : value.slice(0, first).toLowerCase()
  const encoded = second === -1 ? value : value.slice(second + 1)
  return decodeCharset(octetsOf(encoded, /%([0-9A-Fa-f]{2})/g), charset)
}

/** Bytes of a charset as text; an unknown charset is read as windows-1252, which gives every octet a character. */
export function decodeCharset(bytes: Uint8Array, charset: string): string {
  // RFC 2231 section 5: a language may follow the charset of an encoded word.
  const star = charset.indexOf('*')
  const label = star === -1 ? charset : charset.slice(0, star)
  return decoderFor(label).decode(bytes)
}

function decoderFor(label: string): TextDecoder {
  const cached = decoders.get(label)
  if (cached !== undefined) return cached
  const decoder = newDecoder(label)
  if (decoders.size < MAX_CACHED_DECODERS) decoders.set(label, decoder)
  return decoder
}

function newDecoder(label: string): TextDecoder {
  try {
    return new TextDecoder(label)
  } catch {
    // A label nobody knows: its octets still have to be shown.
    return fallback
  }
}

function decodeQ(content: string): Buffer {
  return octetsOf(content.replaceAll('_', ' '), /=([0-9A-Fa-f]{2})/g)
}

function octetsOf(text: string, pattern: RegExp): Buffer {
  return Buffer.from(
    text.replace(pattern, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}

/** Raw octets in a header: UTF-8 (RFC 6532) when they are, windows-1252 when not. */
function decodeRaw(value: string): string {
  if (!hasEightBit(value)) return value
  const bytes = Buffer.from(value, 'latin1')
  try {
    return strictUtf8.decode(bytes)
  } catch {
    // Not UTF-8: a legacy charset nobody named.
    return fallback.decode(bytes)
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
const hasEightBit = (value: string): boolean => /[^\u0000-\u007f]/.test(value)
