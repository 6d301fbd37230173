/**
 * Postings of terms, one behind the other: the octets of each, as a number, then its documents, the first counted from a
 * base, every other from the one before. Numbers are written seven bits to an octet, the lowest first, with the eighth bit
 * set on all but the last octet.
 */
export class PostingsWriter {
  readonly #base: number
  #octets = new Uint8Array(64 * 1024)
  #end = 0
  /** Where the documents of the current term begin, behind room for the longest length. */
  #begin = 0
  #document = 0

  /** @param base a number that no document is below */
  constructor(base: number) {
    this.#base = base
  }

  begin(): void {
    this.#reserve()
    this.#begin = this.#end + MAX_NUMBER
    this.#end = this.#begin
    this.#document = this.#base
  }

  /** In rising order. */
  add(document: number): void {
    this.#reserve()
    this.#end = writeNumber(this.#octets, this.#end, document - this.#document)
    this.#document = document
  }

  end(): void {
    const start = this.#begin - MAX_NUMBER
    const at = writeNumber(this.#octets, start, this.#end - this.#begin)
    this.#octets.copyWithin(at, this.#begin, this.#end)
    this.#end -= this.#begin - at
  }

  /** What was written since the last call. */
  take(): Uint8Array {
    const taken = this.#octets.slice(0, this.#end)
    this.#end = 0
    return taken
  }

  #reserve(): void {
    if (this.#end + 2 * MAX_NUMBER <= this.#octets.length) return
    const octets = new Uint8Array(this.#octets.length * 2)
    octets.set(this.#octets)
    this.#octets = octets
  }
}

/** Octets of the largest number: 32 bits. */
const MAX_NUMBER = 5

function writeNumber(octets: Uint8Array, at: number, number: number): number {
  let [end, left] = [at, number]
  while (left > 0x7f) {
    octets[end++] = (left & 0x7f) | 0x80
    left >>>= 7
  }
  octets[end++] = left
  return end
}

/** Reads what a `PostingsWriter` wrote, term by term. */
export class PostingsReader {
  readonly #octets: Uint8Array
  readonly #base: number
  #at = 0

  constructor(octets: Uint8Array, base: number) {
    this.#octets = octets
    this.#base = base
  }

  /** Passes over the postings of so many terms. */
  skip(terms: number): void {
    for (let term = 0; term < terms; term++) this.#at = this.#number() + this.#at
  }

  /** Gives the documents of the next term, in rising order. */
  each(tell: (document: number) => void): void {
    const length = this.#number()
    const end = this.#at + length
    let document = this.#base
    while (this.#at < end) {
      document += this.#number()
      tell(document)
    }
  }

  #number(): number {
    let number = 0
    for (let shift = 0; ; shift += 7) {
      const octet = this.#octets[this.#at++]
      // A file that was damaged may say anything: it is not to lead out of the octets.
      if (octet === undefined) throw new RangeError('postings end in the middle')
      number |= (octet & 0x7f) << shift
      if (octet <= 0x7f) return number >>> 0
    }
  }
}
