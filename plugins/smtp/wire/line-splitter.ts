const CR = 13
const LF = 10

export type Line =
  | { readonly kind: 'line'; readonly line: Buffer }
  | { readonly kind: 'too-long' }
  /** A CR or LF of its own; nothing after it is read. */
  | { readonly kind: 'bare-newline' }

/** Splits what a peer sends into command lines. Holds one line at most. */
export class LineSplitter {
  /** Without CRLF. AUTH may raise it for the lines of its exchange. */
  maxBytes: number
  #held: Buffer[] = []
  #heldBytes = 0
  #isTooLong = false

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** Takes octets from `at` on. @returns the next line and where the rest begins; undefined when there is no line yet */
  next(data: Buffer, at: number): { readonly found: Line; readonly end: number } | undefined {
    const lf = data.indexOf(LF, at)
    if (lf === -1) {
      const part = data.subarray(at)
      if (this.#hasBareCr(part)) return { found: { kind: 'bare-newline' }, end: data.length }
      this.#hold(part)
      return undefined
    }
    const end = lf + 1
    const part = data.subarray(at, end)
    const line = this.#heldBytes === 0 ? part : Buffer.concat([...this.#held, part])
    const isTooLong = this.#isTooLong || line.length - 2 > this.maxBytes
    this.#held = []
    this.#heldBytes = 0
    this.#isTooLong = false
    if (line.indexOf(CR) !== line.length - 2 || line.length < 2) return { found: { kind: 'bare-newline' }, end }
    return { found: isTooLong ? { kind: 'too-long' } : { kind: 'line', line: line.subarray(0, -2) }, end }
  }

  /** A CR that something other than LF follows. The last octet held may be one that waits for its LF. */
  #hasBareCr(part: Buffer): boolean {
    if (part.length === 0) return false
    const last = this.#held.at(-1)?.at(-1)
    if (last === CR) return true
    const cr = part.indexOf(CR)
    return cr !== -1 && cr < part.length - 1
  }

  /** Of a line that is too long already only its end is kept: whether its last octet is a CR. */
  #hold(part: Buffer): void {
    if (part.length === 0) return
    if (this.#heldBytes + part.length > this.maxBytes + 1) {
      this.#isTooLong = true
      this.#held = [Buffer.from(part.subarray(-1))]
      this.#heldBytes = 1
      return
    }
    this.#held.push(Buffer.from(part))
    this.#heldBytes += part.length
  }
}
