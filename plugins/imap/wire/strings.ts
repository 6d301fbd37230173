import type { Octets } from './arguments.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a quoted string may not hold
const UNQUOTABLE = /[\u0000\r\n\u0080-\uffff]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: what a quoted string may not hold in UTF-8 either
const UNQUOTABLE_UTF8 = /[\u0000\r\n]/
const MAX_QUOTED = 1024

/** A string of a response: quoted where it can be, else a literal (RFC 3501 section 4.3). One character an octet. */
export function formatString(octets: Octets): string {
  if (octets.length > MAX_QUOTED || UNQUOTABLE.test(octets)) return `{${octets.length}}\r\n${octets}`
  return `"${octets.replace(/["\\]/g, '\\$&')}"`
}

/** The same of a text, which goes over the wire in UTF-8. */
export function formatUtf8(text: string): string {
  return formatString(Buffer.from(text, 'utf8').toString('latin1'))
}

/** A text for a client that reads UTF-8 between quotes (RFC 6855 section 3, RFC 9051 section 4.3). */
export function quoteUtf8(text: string): string {
  const octets = Buffer.from(text, 'utf8').toString('latin1')
  if (octets.length > MAX_QUOTED || UNQUOTABLE_UTF8.test(octets)) return `{${octets.length}}\r\n${octets}`
  return `"${octets.replace(/["\\]/g, '\\$&')}"`
}
