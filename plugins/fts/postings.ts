/**
 * Postings as they are kept: for each term the octets of its documents, as a number, then the documents, the first counted
 * from a base, every other from the one before. Numbers are written seven bits to an octet, the lowest first, with the
 * eighth bit set on all but the last octet.
 */

/** Octets of the largest number: 32 bits. */
const MAX_NUMBER = 5

const NONE = -1

/** The documents of many terms, which come in any order of the terms: octets in runs, each run linked to the next of its term. */
export class PostingRuns {
  #base: number
  #octets = new Uint8Array(16 * 1024)
  #end = 0
  /** By number of the run: its octets, and the next run of the term. */
  #starts = new Uint32Array(4096)
  #ends = new Uint32Array(4096)
  #next = new Int32Array(4096)
  #count = 0
  /** By number of the term: its first and last run, and its last document. */
  #first = new Int32Array(1024)
  #last = new Int32Array(1024)
  #documents = new Uint32Array(1024)
  #terms = 0

  /** @param base a number that no document is below */
  constructor(base: number) {
    this.#base = base
  }

  /** What its arrays take, octets. */
  get room(): number {
    const arrays = [this.#octets, this.#starts, this.#ends, this.#next, this.#first, this.#last, this.#documents]
    return arrays.reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  /** Forgets everything, and keeps its room. */
  reset(base: number): void {
    this.#base = base
    this.#end = 0
    this.#count = 0
    this.#terms = 0
  }

  /** Begins the next term: they are numbered from 0. */
  addTerm(): void {
    const term = this.#terms
    if (term === this.#first.length) {
      this.#first = larger(this.#first)
      this.#last = larger(this.#last)
      this.#documents = larger(this.#documents)
    }
    this.#first[term] = NONE
    this.#last[term] = NONE
    this.#documents[term] = this.#base
    this.#terms += 1
  }

  /** One document more of a term, unless it is the last that it has. They come in rising order. */
  add(term: number, document: number): void {
    if (this.#documents[term] === document && this.#first[term] !== NONE) return
    this.#beginRun(term)
    this.#append(term, document)
    this.#endRun()
  }

  /** The same for some documents behind those that the term has. */
  addAll(term: number, documents: Uint32Array): void {
    this.#beginRun(term)
    for (const document of documents) this.#append(term, document)
    this.#endRun()
  }

  /** The postings of the terms from one to another, which is not among them. */
  write(from: number, to: number): Uint8Array {
    let octets = 0
    for (let term = from; term < to; term++) octets += MAX_NUMBER + this.#octetsOf(term)
    const written = new Uint8Array(octets)
    let end = 0
    for (let term = from; term < to; term++) {
      end = writeNumber(written, end, this.#octetsOf(term))
      for (let run = this.#first[term] as number; run !== NONE; run = this.#next[run] as number) {
        for (let at = this.#starts[run] as number; at < (this.#ends[run] as number); at++) {
          written[end++] = this.#octets[at] as number
        }
      }
    }
    return written.subarray(0, end)
  }

  #octetsOf(term: number): number {
    let octets = 0
    for (let run = this.#first[term] as number; run !== NONE; run = this.#next[run] as number) {
      octets += (this.#ends[run] as number) - (this.#starts[run] as number)
    }
    return octets
  }

  #beginRun(term: number): void {
    const run = this.#count
    if (run === this.#starts.length) {
      this.#starts = larger(this.#starts)
      this.#ends = larger(this.#ends)
      this.#next = larger(this.#next)
    }
    this.#starts[run] = this.#end
    this.#next[run] = NONE
    const last = this.#last[term] as number
    if (last === NONE) this.#first[term] = run
    else this.#next[last] = run
    this.#last[term] = run
    this.#count += 1
  }

  #append(term: number, document: number): void {
    if (this.#end + MAX_NUMBER > this.#octets.length) this.#octets = larger(this.#octets)
    this.#end = writeNumber(this.#octets, this.#end, document - (this.#documents[term] as number))
    this.#documents[term] = document
  }

  #endRun(): void {
    this.#ends[this.#count - 1] = this.#end
  }
}

/** Reads what `PostingRuns` wrote, term by term. */
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
    for (let term = 0; term < terms; term++) {
      const octets = this.#number()
      this.#at += octets
    }
  }

  /** Gives the documents of the next term, in rising order. */
  each(tell: (document: number) => void): void {
    const octets = this.#number()
    const end = this.#at + octets
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
      // Nothing that is written ends so; without end it would be read.
      if (octet === undefined) throw new RangeError('postings end in the middle')
      number |= (octet & 0x7f) << shift
      if (octet <= 0x7f) return number >>> 0
    }
  }
}

function writeNumber(octets: Uint8Array, at: number, number: number): number {
  let [end, left] = [at, number]
  while (left > 0x7f) {
    octets[end++] = (left & 0x7f) | 0x80
    left >>>= 7
  }
  octets[end++] = left
  return end
}

/** The same numbers, with room for as many more. */
export function larger<A extends Uint8Array | Uint32Array | Int32Array>(numbers: A): A {
  const twice = new (numbers.constructor as new (length: number) => A)(numbers.length * 2)
  twice.set(numbers)
  return twice
}
