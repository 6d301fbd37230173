import type { StateColumns } from '../mail-store.ts'
import { flagList } from './flags.ts'

const MAX_SIZE = 0xffff_ffff

/** Gathers the states of a mailbox, in the order of their UIDs, into columns. */
export class StateColumnsBuilder {
  readonly #flagSets: (readonly string[])[] = []
  readonly #byBits = new Map<string, number[]>()
  #uids: Uint32Array
  #flags: Uint32Array
  #modSeqs: Float64Array
  #internalDates: Float64Array
  #sizes: Uint32Array
  #count = 0

  /** @param expected how many there probably are */
  constructor(expected: number) {
    this.#uids = new Uint32Array(expected)
    this.#flags = new Uint32Array(expected)
    this.#modSeqs = new Float64Array(expected)
    this.#internalDates = new Float64Array(expected)
    this.#sizes = new Uint32Array(expected)
  }

  add(uid: number, bits: number, keywords: string, modSeq: number, internalDate: number, size: number): void {
    const at = this.#count
    if (at === this.#uids.length) this.#grow()
    this.#uids[at] = uid
    this.#flags[at] = this.#setOf(bits, keywords)
    this.#modSeqs[at] = modSeq
    this.#internalDates[at] = internalDate
    this.#sizes[at] = Math.min(size, MAX_SIZE)
    this.#count = at + 1
  }

  columns(): StateColumns {
    return {
      count: this.#count,
      uids: this.#uids,
      flags: this.#flags,
      flagSets: this.#flagSets,
      modSeqs: this.#modSeqs,
      internalDates: this.#internalDates,
      sizes: this.#sizes,
    }
  }

  #setOf(bits: number, keywords: string): number {
    let byBits = this.#byBits.get(keywords)
    if (byBits === undefined) {
      byBits = []
      this.#byBits.set(keywords, byBits)
    }
    const known = byBits[bits]
    if (known !== undefined) return known
    const number = this.#flagSets.push(flagList(bits, keywords)) - 1
    byBits[bits] = number
    return number
  }

  #grow(): void {
    const length = Math.max(64, this.#uids.length * 2)
    const grown = <T extends Uint32Array | Float64Array>(to: T, from: T): T => {
      to.set(from)
      return to
    }
    this.#uids = grown(new Uint32Array(length), this.#uids)
    this.#flags = grown(new Uint32Array(length), this.#flags)
    this.#modSeqs = grown(new Float64Array(length), this.#modSeqs)
    this.#internalDates = grown(new Float64Array(length), this.#internalDates)
    this.#sizes = grown(new Uint32Array(length), this.#sizes)
  }
}
