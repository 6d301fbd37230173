const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
const LINE_AND_DOT = Buffer.from('\n.')
const DOT_BYTES = Buffer.from('.')
const CRLF = Buffer.from('\r\n')

/**
 * Puts a message into the form of a multi-line response (RFC 1939 section 3), chunk by chunk: a dot is put before each line
 * that begins with one, a bare LF becomes CRLF, the last line gets an end. The line of a single dot that ends the
 * response is not part of it.
 */
export class DotStuffing {
  readonly #hasBareLf: boolean
  /** The octet before the chunk; LF before the first, where a line begins. */
  #last = LF
  #isEmpty = true

  /** @param hasBareLf false for a message that is known to have none: then no line has to be looked at */
  constructor(hasBareLf: boolean) {
    this.#hasBareLf = hasBareLf
  }

  /** @returns the chunk itself when nothing in it changes */
  push(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk
    const stuffed = this.#hasBareLf ? this.#lineByLine(chunk) : this.#dotsOnly(chunk)
    this.#isEmpty = false
    this.#last = chunk.at(-1) as number
    return stuffed
  }

  /** What comes after the last chunk. */
  end(): Buffer {
    return this.#isEmpty || this.#last === LF ? CRLF.subarray(2) : CRLF
  }

  #dotsOnly(chunk: Buffer): Buffer {
    const pieces: Buffer[] = []
    if (this.#last === LF && chunk[0] === DOT) pieces.push(DOT_BYTES)
    let from = 0
    for (let at = chunk.indexOf(LINE_AND_DOT); at !== -1; at = chunk.indexOf(LINE_AND_DOT, at + 1)) {
      pieces.push(chunk.subarray(from, at + 1), DOT_BYTES)
      from = at + 1
    }
    return pieces.length === 0 ? chunk : Buffer.concat([...pieces, chunk.subarray(from)])
  }

  #lineByLine(chunk: Buffer): Buffer {
    const pieces: Buffer[] = []
    if (this.#last === LF && chunk[0] === DOT) pieces.push(DOT_BYTES)
    let from = 0
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, at + 1)) {
      const before = at === 0 ? this.#last : chunk[at - 1]
      pieces.push(chunk.subarray(from, at), before === CR ? CRLF.subarray(1) : CRLF)
      if (chunk[at + 1] === DOT) pieces.push(DOT_BYTES)
      from = at + 1
    }
    return Buffer.concat([...pieces, chunk.subarray(from)])
  }
}
