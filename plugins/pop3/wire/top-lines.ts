const CR = 0x0d
const LF = 0x0a

/** Cuts a message after its header, the empty line and the first lines of its body (RFC 1939 section 7), chunk by chunk. */
export class TopLines {
  #left: number
  #isInHeader = true
  /** Octets of the line that is being read, counted up to 2; and whether they are a lone CR. */
  #lineLength = 0
  #isLoneCr = false
  #isDone = false

  /** @param bodyLines lines of the body to keep */
  constructor(bodyLines: number) {
    this.#left = bodyLines
  }

  /** True once everything that is wanted has been seen. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** @returns as much of the chunk as is wanted */
  push(chunk: Buffer): Buffer {
    let from = 0
    while (!this.#isDone) {
      const lf = chunk.indexOf(LF, from)
      if (lf === -1) {
        this.#continueLine(chunk, from)
        return chunk
      }
      this.#endLine(chunk, from, lf)
      from = lf + 1
    }
    return chunk.subarray(0, from)
  }

  #continueLine(chunk: Buffer, from: number): void {
    const length = chunk.length - from
    if (length === 0) return
    this.#isLoneCr = this.#lineLength === 0 && length === 1 && chunk[from] === CR
    this.#lineLength += length
  }

  #endLine(chunk: Buffer, from: number, lf: number): void {
    this.#continueLine(chunk.subarray(0, lf), from)
    const isEmpty = this.#lineLength === 0 || this.#isLoneCr
    this.#lineLength = 0
    this.#isLoneCr = false
    if (!this.#isInHeader) this.#left -= 1
    else if (isEmpty) this.#isInHeader = false
    this.#isDone = !this.#isInHeader && this.#left <= 0
  }
}
