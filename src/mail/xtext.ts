/** Text within SMTP parameters and delivery reports: xtext (RFC 3461 section 4) and its form for UTF-8 (RFC 6533 section 3). */

/** Octets that xtext cannot show are `+` and two hexadecimal digits. */
export function encodeXtext(text: string): string {
  let encoded = ''
  for (const octet of Buffer.from(text)) {
    const isPlain = octet >= 33 && octet <= 126 && octet !== 43 && octet !== 61
    encoded += isPlain ? String.fromCharCode(octet) : `+${octet.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}

/**
 * @returns undefined when it is no xtext, or not printable US-ASCII, which ENVID and ORCPT must be (RFC 3461 section
 * 4.4): a line end in one would become a header field of the report
 */
export function decodeXtext(encoded: string): string | undefined {
  if (!/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/.test(encoded)) return undefined
  const text = encoded.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return /^[ -~\t]*$/.test(text) ? text : undefined
}

/** A UTF-8 address in US-ASCII: each other character is `\x{HEX}` (RFC 6533 section 3, utf-8-addr-xtext). */
export function encodeUtf8AddressXtext(address: string): string {
  let encoded = ''
  for (const char of address) {
    const code = char.codePointAt(0) as number
    const isPlain = code >= 33 && code <= 126 && char !== '+' && char !== '=' && char !== '\\'
    encoded += isPlain ? char : `\\x{${code.toString(16).toUpperCase()}}`
  }
  return encoded
}

/** @returns undefined for an escape of something that is no character, or a control */
export function decodeUtf8AddressXtext(encoded: string): string | undefined {
  let isValid = true
  const text = encoded.replace(/\\x\{([0-9A-Fa-f]{1,6})\}/g, (_, hex: string) => {
    const code = Number.parseInt(hex, 16)
    isValid &&= code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
    return isValid ? String.fromCodePoint(code) : ''
  })
  return isValid && !/\p{Cc}/u.test(text) ? text : undefined
}
