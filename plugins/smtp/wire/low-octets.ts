const CR = 13
/** One more than CR, in each octet of a word. */
const ABOVE_CR = 0x0e0e0e0e
const HIGH_BITS = 0x80808080

/**
 * Finds the octets up to CR, the line ends among them, looking at four at a time: two calls of `indexOf` for each line
 * take three times as long.
 */
export class LowOctets {
  readonly #bytes: Buffer
  /** The same octets, from the whole word on that the first of them stands in. */
  readonly #words: Int32Array
  /** Octets of the first word that are not ours. */
  readonly #shift: number

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#shift = bytes.byteOffset % 4
    const words = Math.floor((bytes.length + this.#shift) / 4)
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset - this.#shift, words)
  }

  /** @returns the index of the first octet from `from` on that is CR or less; the length when there is none */
  next(from: number): number {
    const bytes = this.#bytes
    const words = this.#words
    const shift = this.#shift
    let at = from
    while (at < bytes.length) {
      if (((at + shift) & 3) === 0) {
        let word = (at + shift) >> 2
        while (word < words.length && !hasLow(words[word] as number)) word++
        at = (word << 2) - shift
        if (at >= bytes.length) break
      }
      if ((bytes[at] as number) <= CR) return at
      at++
    }
    return bytes.length
  }
}

/** An octet that is less borrows from its own highest bit, which it has not set itself. */
function hasLow(word: number): boolean {
  return ((word - ABOVE_CR) & ~word & HIGH_BITS) !== 0
}
