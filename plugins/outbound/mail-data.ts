const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
const STUFFING = Buffer.from('.')
const END = Buffer.from('.\r\n')
const END_OF_OPEN_LINE = Buffer.from('\r\n.\r\n')

/**
 * A message as it follows DATA, with dots doubled and the line that ends it (RFC 5321 section 4.5.2).
 * @returns undefined when it has a CR or LF alone: those must be made whole first
 */
export function mailData(message: Buffer): Buffer | undefined {
  const pieces: Buffer[] = []
  let from = 0
  let before = LF
  for (let at = 0; at < message.length; at++) {
    const octet = message[at]
    if (octet === LF ? before !== CR : before === CR) return undefined
    if (octet === DOT && before === LF) {
      pieces.push(message.subarray(from, at), STUFFING)
      from = at
    }
    before = octet as number
  }
  if (before === CR) return undefined
  const isOpen = before !== LF || message.length === 0
  return Buffer.concat([...pieces, message.subarray(from), isOpen ? END_OF_OPEN_LINE : END])
}
