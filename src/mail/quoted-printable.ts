const MAX_COLUMNS = 76

/** UTF-8 text as quoted-printable with CRLF line ends (RFC 2045 section 6.7). */
export function encodeQuotedPrintable(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => encodeLine(line))
    .join('\r\n')
}

function encodeLine(line: string): string {
  let encoded = ''
  let columns = 0
  const octets = Buffer.from(line)
  octets.forEach((octet, place) => {
    const isLast = place === octets.length - 1
    const token = isPlain(octet, isLast) ? String.fromCharCode(octet) : `=${hex(octet)}`
    // One column is for the soft line break.
    if (columns + token.length > MAX_COLUMNS - 1 && !(isLast && columns + token.length <= MAX_COLUMNS)) {
      encoded += '=\r\n'
      columns = 0
    }
    encoded += token
    columns += token.length
  })
  return encoded
}

/** White space at the end of a line is lost on the way unless it is encoded. */
const isPlain = (octet: number, isLast: boolean): boolean =>
  (octet > 32 && octet < 127 && octet !== 61) || ((octet === 32 || octet === 9) && !isLast)

const hex = (octet: number): string => octet.toString(16).toUpperCase().padStart(2, '0')
