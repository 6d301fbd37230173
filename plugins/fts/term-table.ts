import { larger, PostingRuns } from './postings.ts'
import { IN_TERM, TERM_END } from './terms.ts'

/** Terms of a block, octets: enough that a search is one of few long buffers. */
const BLOCK_OCTETS = 64 * 1024

/** Terms that follow each other, and what has them. */
export interface TermBlock {
  /** A `TERM_END` before, between and behind the terms. */
  readonly terms: Uint8Array
  /** The postings of each, in the order of the terms. */
  readonly postings: Uint8Array
}

/** FNV-1a, 32 bits (draft-eastlake-fnv). */
const HASH_BEGIN = 0x811c9dc5
const HASH_PRIME = 0x01000193

const NONE = -1

/** Takes texts, and gives each distinct term once, with the documents that have it. Grows with what is put in, up to its reset. */
export class TermTable {
  readonly #postings: PostingRuns
  /** Terms as they are written down, in the order in which they came. */
  #terms = new Uint8Array(16 * 1024)
  #end = 1
  #count = 0
  /** By number of the term: where it begins, and its hash. It ends before the next begins. */
  #starts = new Uint32Array(1024)
  #hashes = new Int32Array(1024)
  /** Open addressing: numbers of terms, or NONE. At most half full. */
  #slots = new Int32Array(2048).fill(NONE)

  /** @param base a number that no document is below */
  constructor(base: number) {
    this.#postings = new PostingRuns(base)
    this.#terms[0] = TERM_END
  }

  /** What its arrays take, octets. */
  get room(): number {
    const arrays = [this.#terms, this.#starts, this.#hashes, this.#slots]
    return arrays.reduce((sum, { byteLength }) => sum + byteLength, this.#postings.room)
  }

  /** Forgets everything, and keeps its room: to make it anew for every batch leaves garbage that V8 is slow to see. */
  reset(base: number): void {
    this.#postings.reset(base)
    this.#end = 1
    this.#count = 0
    this.#slots.fill(NONE)
  }

  /** Adds the terms of a text in UTF-8. Documents come in rising order. */
  addText(octets: Uint8Array, document: number): void {
    let from = 0
    let hash = HASH_BEGIN
    for (let at = 0; at < octets.length; at++) {
      const octet = octets[at] as number
      if (IN_TERM[octet] === 1) {
        hash = Math.imul(hash ^ octet, HASH_PRIME)
        continue
      }
      if (at > from) this.#postings.add(this.#termOf(octets, from, at, hash), document)
      from = at + 1
      hash = HASH_BEGIN
    }
    if (octets.length > from) this.#postings.add(this.#termOf(octets, from, octets.length, hash), document)
  }

  /** Adds a term that was written down already. @param documents rising, behind those that it has */
  addTerm(octets: Uint8Array, from: number, to: number, documents: Uint32Array): void {
    let hash = HASH_BEGIN
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ (octets[at] as number), HASH_PRIME)
    this.#postings.addAll(this.#termOf(octets, from, to, hash), documents)
  }

  /** Everything that was put in. */
  *blocks(): Iterable<TermBlock> {
    let from = 0
    for (let term = 0; term < this.#count; term++) {
      const start = this.#starts[from] as number
      const end = this.#startAfter(term)
      if (end - start < BLOCK_OCTETS && term + 1 < this.#count) continue
      yield { terms: this.#terms.subarray(start - 1, end), postings: this.#postings.write(from, term + 1) }
      from = term + 1
    }
  }

  #startAfter(term: number): number {
    return term + 1 < this.#count ? (this.#starts[term + 1] as number) : this.#end
  }

  #termOf(octets: Uint8Array, from: number, to: number, hash: number): number {
    let slot = this.#slotOf(hash)
    for (;;) {
      const term = this.#slots[slot] as number
      if (term === NONE) return this.#add(octets, from, to, hash, slot)
      if (this.#hashes[term] === hash && this.#is(term, octets, from, to)) return term
      slot = (slot + 1) & (this.#slots.length - 1)
    }
  }

  /** Where the search for a term begins. The upper bits of the hash are the better mixed ones. */
  #slotOf(hash: number): number {
    return (hash ^ (hash >>> 15)) & (this.#slots.length - 1)
  }

  #is(term: number, octets: Uint8Array, from: number, to: number): boolean {
    const start = this.#starts[term] as number
    if (this.#startAfter(term) - 1 - start !== to - from) return false
    for (let at = from; at < to; at++) if (this.#terms[start + at - from] !== octets[at]) return false
    return true
  }

  #add(octets: Uint8Array, from: number, to: number, hash: number, slot: number): number {
    const term = this.#count
    if (term === this.#starts.length) {
      this.#starts = larger(this.#starts)
      this.#hashes = larger(this.#hashes)
    }
    const end = this.#end + to - from + 1
    while (end > this.#terms.length) this.#terms = larger(this.#terms)
    for (let at = from; at < to; at++) this.#terms[this.#end + at - from] = octets[at] as number
    this.#terms[end - 1] = TERM_END
    this.#starts[term] = this.#end
    this.#hashes[term] = hash
    this.#end = end
    this.#count += 1
    this.#slots[slot] = term
    this.#postings.addTerm()
    if (this.#count * 2 > this.#slots.length) this.#growSlots()
    return term
  }

  #growSlots(): void {
    this.#slots = new Int32Array(this.#slots.length * 2).fill(NONE)
    for (let term = 0; term < this.#count; term++) {
      let slot = this.#slotOf(this.#hashes[term] as number)
      while (this.#slots[slot] !== NONE) slot = (slot + 1) & (this.#slots.length - 1)
      this.#slots[slot] = term
    }
  }
}
