/** How foreign text goes into a report: on one line, or as wrapped lines; never as a header field of its own. */

/** Beyond this a reply says nothing more that helps; with a field's name a line stays under 998 octets (RFC 5322 section 2.1.1). */
const MAX_LINE_OCTETS = 900
const COLUMNS = 72

/** Controls and line ends become spaces; cut at 900 octets, never within a character. */
export function oneLine(text: string): string {
  const clean = text
    .slice(0, 4 * MAX_LINE_OCTETS)
    .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
  const octets = Buffer.from(clean)
  if (octets.length <= MAX_LINE_OCTETS) return clean
  let end = MAX_LINE_OCTETS
  while (((octets[end] as number) & 0xc0) === 0x80) end--
  return octets.toString('utf8', 0, end)
}

/** Text on lines of 72 columns, each with the indent before it; words longer than a line are cut. */
export function wrap(text: string, indent = ''): string[] {
  const width = COLUMNS - indent.length
  const lines: string[] = []
  let line = ''
  for (const word of oneLine(text).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
    while (line.length > width) {
      lines.push(line.slice(0, width))
      line = line.slice(width)
    }
  }
  if (line !== '') lines.push(line)
  return lines.map((each) => indent + each)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
export const isAscii = (text: string): boolean => /^[\u0000-\u007f]*$/.test(text)

/** Are these the words of an SMTP server, or our own about it? */
export const isSmtpReply = (diagnostic: string): boolean => /^[245]\d\d(?:[ -]|$)/.test(diagnostic)
