/** The messages of the crash test: each can be written again from its number, so nothing has to be remembered but that. */

const NUMBER = /^X-Crash-Test: (\d+)\r$/m
const LINE_BYTES = 72

/** Octets of the text: mostly small, some of several blocks, a few of several frames. */
function textBytes(number: number): number {
  if (number % 29 === 7) return 400_000
  if (number % 7 === 3) return 60_000
  return 300 + ((number * 263) % 4_000)
}

/** The message of this number, with CRLF line ends and no line that begins with a dot. */
export function crashMessage(number: number): Buffer {
  const head = `From: <sender@crash-test.invalid>\r\nMessage-ID: <${number}@crash-test.invalid>\r\nX-Crash-Test: ${number}\r\n\r\n`
  const lines: string[] = []
  for (let left = textBytes(number), line = 0; left > 0; left -= LINE_BYTES, line++) {
    lines.push(`${number} ${line} `.padEnd(LINE_BYTES - 2, String.fromCharCode(97 + ((number + line) % 26))))
  }
  return Buffer.from(`${head}${lines.join('\r\n')}\r\n`)
}

/** The number of a message, whatever the server has put before it; undefined for any other message. */
export function crashNumber(message: Buffer): number | undefined {
  const found = NUMBER.exec(message.subarray(0, 8_192).toString('latin1'))
  return found?.[1] === undefined ? undefined : Number(found[1])
}

/** Is the message what was sent, behind what the server has put before it? */
export function isWhole(message: Buffer, number: number): boolean {
  const sent = crashMessage(number)
  return message.length >= sent.length && message.subarray(message.length - sent.length).equals(sent)
}
