import type { Octets } from './arguments.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a quoted string may not hold
const UNQUOTABLE = /[\u0000\r\n\u0080-\uffff]/
const MAX_QUOTED = 1024

/** A string of a response: quoted where it can be, else a literal (RFC 3501 section 4.3). One character an octet. */
export function formatString(octets: Octets): string {
  if (octets.length > MAX_QUOTED || UNQUOTABLE.test(octets)) return `{${octets.length}}\r\n${octets}`
  return `"${octets.replace(/["\\]/g, '\\$&')}"`
}

/** Text that is not of the wire (a name, an address) as a string: its UTF-8 octets, as a literal when they are not ASCII. */
export function formatText(text: string): string {
  return formatString(Buffer.from(text, 'utf8').toString('latin1'))
}

export function formatNString(octets: Octets | undefined): string {
  return octets === undefined ? 'NIL' : formatString(octets)
}
