/**
 * Strings of the IMAP grammar (RFC 3501 section 4.3), octets as characters: what a quoted string cannot hold is a
 * literal. 8-bit text in a quoted string is for clients that enabled UTF8=ACCEPT alone (RFC 6855 section 3).
 */

/** Longer strings are literals: clients read quoted strings into line buffers. */
const MAX_QUOTED_LENGTH = 1000

// biome-ignore lint/suspicious/noControlCharactersInRegex: TEXT-CHAR of RFC 3501 section 9
const QUOTABLE = /^[\u0001-\u0009\u000b\u000c\u000e-\u007f]*$/

/** A string, quoted or literal. NUL can stand in neither and becomes 0x80. */
export function imapString(value: string): string {
  if (value.length <= MAX_QUOTED_LENGTH && QUOTABLE.test(value)) {
    return value.includes('"') || value.includes('\\') ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`
  }
  return `{${value.length}}\r\n${value.includes('\0') ? value.replaceAll('\0', '\u0080') : value}`
}

/** NIL when there is no value. */
export function imapNstring(value: string | undefined): string {
  return value === undefined ? 'NIL' : imapString(value)
}
