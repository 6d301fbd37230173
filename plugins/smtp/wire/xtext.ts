/** RFC 3461 section 4: printable ASCII but `+` and `=`, and `+` with two hexadecimal digits in capitals. */
const XTEXT = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/
const CONTROLS = /\p{Cc}/u

/** @returns undefined when it is no xtext, or when it hides a control character */
export function decodeXtext(text: string): string | undefined {
  if (!XTEXT.test(text)) return undefined
  const decoded = text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return CONTROLS.test(decoded) ? undefined : decoded
}
