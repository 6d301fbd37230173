const END = Buffer.from('\r\n\r\n')
const EMPTY_LINE = Buffer.from('\r\n')

/** Gathers a message's header section from its chunks, up to a bound, looking at each octet once. */
export class HeaderCollector {
  readonly #maxBytes: number
  readonly #chunks: Buffer[] = []
  #size = 0
  /** The last octets seen, where the end may have begun. */
  #tail = Buffer.alloc(0)

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * Takes the next octets. @returns `more`; `too-large` past the bound; or the section with its empty line, and the
   * octets after it that came with it
   */
  push(chunk: Buffer): 'more' | 'too-large' | { readonly header: Buffer; readonly rest: Buffer } {
    const seen = Buffer.concat([this.#tail, chunk])
    const end = this.#endIn(seen)
    if (end === undefined) {
      this.#chunks.push(chunk)
      this.#size += chunk.length
      this.#tail = Buffer.from(seen.subarray(Math.max(0, seen.length - END.length + 1)))
      return this.#size > this.#maxBytes ? 'too-large' : 'more'
    }
    const inChunk = Math.max(0, end - this.#tail.length)
    const header = Buffer.concat([...this.#chunks, chunk.subarray(0, inChunk)])
    return header.length > this.#maxBytes ? 'too-large' : { header, rest: chunk.subarray(inChunk) }
  }

  /** The message has ended within its header. */
  all(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** One past the section's end in what has been seen last. */
  #endIn(seen: Buffer): number | undefined {
    // A message that begins with an empty line has no field at all.
    if (this.#size < EMPTY_LINE.length && seen.subarray(0, EMPTY_LINE.length).equals(EMPTY_LINE)) {
      return EMPTY_LINE.length
    }
    const at = seen.indexOf(END)
    return at === -1 ? undefined : at + END.length
  }
}
