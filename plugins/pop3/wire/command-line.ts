/** A command as it came: a keyword in capitals and the rest of its line (RFC 1939 section 3). */
export interface CommandLine {
  readonly keyword: string
  /** As given, without the space before it; empty when there is none. May be a secret. */
  readonly argument: string
}

const SPACE = 0x20
const MAX_KEYWORD_BYTES = 4
const KEYWORD = /^[A-Za-z][A-Za-z0-9]{2,3}$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: no argument has control characters
const CONTROLS = /[\u0000-\u001f\u007f]/

/** @returns undefined when the line is no command */
export function parseCommandLine(line: Buffer): CommandLine | undefined {
  const space = line.subarray(0, MAX_KEYWORD_BYTES + 1).indexOf(SPACE)
  const end = space < 0 ? line.length : space
  if (end > MAX_KEYWORD_BYTES) return undefined
  const keyword = line.toString('latin1', 0, end)
  const argument = line.toString('utf8', Math.min(end + 1, line.length))
  if (!KEYWORD.test(keyword) || CONTROLS.test(argument)) return undefined
  return { keyword: keyword.toUpperCase(), argument }
}

/** A message number or a count of lines. @returns undefined when the text is no number of up to nine digits */
export function parseNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
