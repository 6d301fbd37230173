import { LowOctets } from './low-octets.ts'

const CR = 13
const LF = 10
const DOT = 46

/** Why the content of a message is refused (RFC 5321 sections 2.3.8 and 4.5.3.1.6). */
export type DataFault =
  /** A CR or LF of its own: servers that disagree on where a line ends can be made to disagree on where a message ends. */
  | 'bare-newline'
  /** IMAP has no way to send a NUL on (RFC 3501 section 9, CHAR8). */
  | 'nul'
  | 'line-too-long'

export interface Decoded {
  /** Content, dots unstuffed; views of the chunk. */
  readonly pieces: readonly Buffer[]
  /** What follows the end of the message; undefined while it goes on. */
  readonly rest: Buffer | undefined
}

/** An end of data by any line end: where a peer that does not know CRLF believes its message to end. */
const LOOSE_END = /(?:\r\n|\n|\r)\.(?:\r\n|\n|\r)/
const LOOSE_TAIL_BYTES = 4

/**
 * Takes the message apart from what follows it: finds CRLF.CRLF, takes the added dots away (RFC 5321 section 4.5.2), and
 * looks at every line end, in one pass, however the peer cuts its packets.
 *
 * After a bare CR or LF nothing is content any more. The peer is let talk until it believes that it has ended, so that it
 * is there to read the answer; what comes after must not be read as commands.
 */
export class DataDecoder {
  readonly #maxLineBytes: number
  #carry: Buffer | undefined
  #isAtLineStart = true
  #lineBytes = 0
  #fault: DataFault | undefined
  #looseTail = ''

  /** @param maxLineBytes without CRLF; 0 for no limit */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  /** The first thing that was wrong; a bare line end counts before all. */
  get fault(): DataFault | undefined {
    return this.#fault
  }

  decode(chunk: Buffer): Decoded {
    if (this.#fault === 'bare-newline') return this.#skip(chunk)
    const data = this.#carry === undefined ? chunk : Buffer.concat([this.#carry, chunk])
    this.#carry = undefined
    if (chunk.includes(0)) this.#fault ??= 'nul'
    return this.#lines(data)
  }

  #lines(data: Buffer): Decoded {
    const pieces: Buffer[] = []
    const low = new LowOctets(data)
    let from = 0
    let at = 0
    while (at < data.length) {
      if (this.#isAtLineStart && data[at] === DOT) {
        const next = data[at + 1]
        if (next === undefined || (next === CR && data[at + 2] === undefined)) return this.#wait(data, pieces, from, at)
        if (next === CR && data[at + 2] === LF) {
          push(pieces, data, from, at)
          return { pieces, rest: data.subarray(at + 3) }
        }
        push(pieces, data, from, at)
        at += 1
        from = at
      }
      this.#isAtLineStart = false
      let end = low.next(at)
      while (end < data.length && data[end] !== CR && data[end] !== LF) end = low.next(end + 1)
      if (data[end] === LF) return this.#bare(data, pieces)
      this.#count(end - at)
      if (end === data.length) break
      if (end === data.length - 1) return this.#wait(data, pieces, from, end)
      if (data[end + 1] !== LF) return this.#bare(data, pieces)
      this.#lineBytes = 0
      this.#isAtLineStart = true
      at = end + 2
    }
    push(pieces, data, from, data.length)
    return { pieces, rest: undefined }
  }

  #count(bytes: number): void {
    this.#lineBytes += bytes
    if (this.#maxLineBytes > 0 && this.#lineBytes > this.#maxLineBytes) this.#fault ??= 'line-too-long'
  }

  /** What the last octets mean depends on what comes next. */
  #wait(data: Buffer, pieces: Buffer[], from: number, at: number): Decoded {
    push(pieces, data, from, at)
    this.#carry = Buffer.from(data.subarray(at))
    return { pieces, rest: undefined }
  }

  #bare(data: Buffer, pieces: readonly Buffer[]): Decoded {
    this.#fault = 'bare-newline'
    // The end may begin with the line end that came before this chunk, or with a dot that began it.
    this.#looseTail = '\r\n'
    const { rest } = this.#skip(data)
    return { pieces, rest }
  }

  #skip(chunk: Buffer): Decoded {
    const text = this.#looseTail + chunk.toString('latin1')
    if (LOOSE_END.test(text)) return { pieces: [], rest: Buffer.alloc(0) }
    this.#looseTail = text.slice(-LOOSE_TAIL_BYTES)
    return { pieces: [], rest: undefined }
  }
}

function push(pieces: Buffer[], data: Buffer, from: number, to: number): void {
  if (to > from) pieces.push(data.subarray(from, to))
}
