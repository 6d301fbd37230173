import { PostingsWriter } from './postings.ts'
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

/** Takes texts, and gives each distinct term once, with the documents that have it. Grows with what is put in. */
export class TermTable {
  readonly #base: number
  /** Terms as they are written down, in the order in which they came. */
  #terms = new Uint8Array(64 * 1024)
  #end = 1
  #count = 0
  /** By number of the term: where it begins, its hash, and its first and last posting. The term ends before the next begins. */
  #starts = new Uint32Array(4096)
  #hashes = new Int32Array(4096)
  #first = new Int32Array(4096)
  #last = new Int32Array(4096)
  /** Open addressing: numbers of terms, or NONE. At most half full. */
  #slots = new Int32Array(8192).fill(NONE)
  /** By number of the posting: its document, and the next posting of the term. */
  #documents = new Uint32Array(16 * 1024)
  #next = new Int32Array(16 * 1024)
  #postings = 0

  /** @param base a number that no document is below */
  constructor(base: number) {
    this.#base = base
    this.#terms[0] = TERM_END
    this.#starts[0] = 1
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
      if (at > from) this.#post(this.#termOf(octets, from, at, hash), document)
      from = at + 1
      hash = HASH_BEGIN
    }
    if (octets.length > from) this.#post(this.#termOf(octets, from, octets.length, hash), document)
  }

  /** Adds a term that was written down already. @param documents rising, behind those that it has */
  addTerm(octets: Uint8Array, from: number, to: number, documents: Iterable<number>): void {
    let hash = HASH_BEGIN
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ (octets[at] as number), HASH_PRIME)
    const term = this.#termOf(octets, from, to, hash)
    for (const document of documents) this.#post(term, document)
  }

  /** Everything that was put in. */
  *blocks(): Iterable<TermBlock> {
    const writer = new PostingsWriter(this.#base)
    let from = 0
    for (let term = 0; term < this.#count; term++) {
      writer.begin()
      for (let at = this.#first[term] as number; at !== NONE; at = this.#next[at] as number) {
        writer.add(this.#documents[at] as number)
      }
      writer.end()
      const start = this.#starts[from] as number
      const end = this.#startAfter(term)
      if (end - start < BLOCK_OCTETS && term + 1 < this.#count) continue
      yield { terms: this.#terms.subarray(start - 1, end), postings: writer.take() }
      from = term + 1
    }
  }

  #startAfter(term: number): number {
    return term + 1 < this.#count ? (this.#starts[term + 1] as number) : this.#end
  }

  #termOf(octets: Uint8Array, from: number, to: number, hash: number): number {
    const mask = this.#slots.length - 1
    // The upper bits of the hash are the better mixed ones.
    let slot = (hash ^ (hash >>> 15)) & mask
    for (;;) {
      const term = this.#slots[slot] as number
      if (term === NONE) break
      if (this.#hashes[term] === hash && this.#is(term, octets, from, to)) return term
      slot = (slot + 1) & mask
    }
    return this.#add(octets, from, to, hash, slot)
  }

  #is(term: number, octets: Uint8Array, from: number, to: number): boolean {
    const start = this.#starts[term] as number
    if (this.#startAfter(term) - 1 - start !== to - from) return false
    for (let at = from; at < to; at++) if (this.#terms[start + at - from] !== octets[at]) return false
    return true
  }

  #add(octets: Uint8Array, from: number, to: number, hash: number, slot: number): number {
    const term = this.#count
    if (term === this.#starts.length) this.#growTerms()
    const end = this.#end + to - from + 1
    if (end > this.#terms.length)
      this.#terms = grown(this.#terms, new Uint8Array(Math.max(end, this.#terms.length * 2)))
    for (let at = from; at < to; at++) this.#terms[this.#end + at - from] = octets[at] as number
    this.#terms[end - 1] = TERM_END
    this.#starts[term] = this.#end
    this.#hashes[term] = hash
    this.#first[term] = NONE
    this.#last[term] = NONE
    this.#end = end
    this.#count += 1
    this.#slots[slot] = term
    if (this.#count * 2 > this.#slots.length) this.#growSlots()
    return term
  }

  #post(term: number, document: number): void {
    const last = this.#last[term] as number
    if (last !== NONE && this.#documents[last] === document) return
    const posting = this.#postings
    if (posting === this.#documents.length) {
      this.#documents = grown(this.#documents, new Uint32Array(posting * 2))
      this.#next = grown(this.#next, new Int32Array(posting * 2))
    }
    this.#documents[posting] = document
    this.#next[posting] = NONE
    if (last === NONE) this.#first[term] = posting
    else this.#next[last] = posting
    this.#last[term] = posting
    this.#postings += 1
  }

  #growTerms(): void {
    const length = this.#starts.length * 2
    this.#starts = grown(this.#starts, new Uint32Array(length))
    this.#hashes = grown(this.#hashes, new Int32Array(length))
    this.#first = grown(this.#first, new Int32Array(length))
    this.#last = grown(this.#last, new Int32Array(length))
  }

  #growSlots(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(NONE)
    const mask = slots.length - 1
    for (let term = 0; term < this.#count; term++) {
      const hash = this.#hashes[term] as number
      let slot = (hash ^ (hash >>> 15)) & mask
      while (slots[slot] !== NONE) slot = (slot + 1) & mask
      slots[slot] = term
    }
    this.#slots = slots
  }
}

function grown<A extends Uint8Array | Uint32Array | Int32Array>(old: A, larger: A): A {
  larger.set(old)
  return larger
}
