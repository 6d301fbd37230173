/** The third part of a report: the original message or its header (RFC 6522 section 3, RFC 3462), fit to be sent. */
import { headerEnd } from './header.ts'

export interface ReturnedContent {
  readonly type: string
  readonly description: string
  readonly encoding: '7bit' | '8bit'
  readonly bytes: Buffer
}

/** RFC 5322 section 2.1.1, without the line end. */
const MAX_LINE = 998

/**
 * @param original header section first
 * @param options.isFull give back the whole, when it is within `maxBytes` and can stand in a message as it is
 */
export function returnedContent(
  original: Buffer,
  options: { isFull: boolean; isGlobal: boolean; maxBytes: number },
): ReturnedContent {
  if (options.isFull && original.length <= options.maxBytes) {
    const bytes = withCrlf(original)
    // No encoding is allowed within message/rfc822 (RFC 2046 section 5.2.1), so lines cannot be cut.
    if (!hasLongLine(bytes)) {
      const type = options.isGlobal ? 'message/global' : 'message/rfc822'
      return { type, description: 'Your message', encoding: encodingOf(bytes), bytes }
    }
  }
  const bytes = headerOf(original, options.maxBytes)
  const type = options.isGlobal ? 'message/global-headers' : 'text/rfc822-headers'
  return { type, description: 'Header of your message', encoding: encodingOf(bytes), bytes }
}

function headerOf(original: Buffer, maxBytes: number): Buffer {
  const section = original.subarray(0, headerEnd(original))
  const kept = section.length <= maxBytes ? section : section.subarray(0, section.lastIndexOf(10, maxBytes - 1) + 1)
  const header = withCrlf(kept)
  return hasLongLine(header) ? foldLongLines(header) : header
}

/** Line ends as CRLF: a message from a file or a pipe may have bare LF or CR, which no server takes (RFC 5321 section 2.3.8). */
function withCrlf(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1')
  return /\r(?!\n)|(?<!\r)\n|\0/.test(text)
    ? Buffer.from(text.replaceAll('\0', '').replace(/\r\n?|\n/g, '\r\n'), 'latin1')
    : bytes
}

function hasLongLine(bytes: Buffer): boolean {
  let start = 0
  for (let lf = bytes.indexOf(10); lf !== -1; lf = bytes.indexOf(10, start)) {
    if (lf - 1 - start > MAX_LINE) return true
    start = lf + 1
  }
  return bytes.length - start > MAX_LINE
}

function foldLongLines(header: Buffer): Buffer {
  const lines = header.toString('latin1').split('\r\n')
  return Buffer.from(lines.map((line) => line.replace(/.{900}(?=.)/gs, '$&\r\n ')).join('\r\n'), 'latin1')
}

const encodingOf = (bytes: Buffer): '7bit' | '8bit' => (bytes.every((octet) => octet < 128) ? '7bit' : '8bit')
