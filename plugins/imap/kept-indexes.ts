import type { MessageIndex } from 'mailserver'
import type { Keeper, MemoryBudget } from './memory-budget.ts'

type Indexed = readonly [uid: number, index: MessageIndex]
export type ReadIndexes = (uids: readonly number[]) => AsyncIterable<readonly Indexed[]>

/** What an index takes beside its texts, in octets. */
const INDEX_OCTETS = 700
/** Of a mailbox with more of them nothing is kept: it would not fit, and what does would hardly help. */
const MAX_MESSAGES = 20_000
/** Kept indexes that are given out at a time. */
const BATCH = 1000

/**
 * Indexes of one mailbox's messages, kept from the second time on that its messages are read: a client that lists its
 * mailbox once leaves nothing behind, one that sorts, threads and searches it again and again reads no record for it. A
 * message never changes and its UID is never used again, so nothing here becomes wrong; whoever asks knows what is gone.
 */
export class KeptIndexes implements Keeper {
  readonly #budget: MemoryBudget
  readonly #read: ReadIndexes
  readonly #messages: () => number
  readonly #kept = new Map<number, MessageIndex>()
  /** Messages that were read so far, each as often as it was. */
  #readSoFar = 0

  /** @param messages how many the mailbox has */
  constructor(budget: MemoryBudget, read: ReadIndexes, messages: () => number) {
    this.#budget = budget
    this.#read = read
    this.#messages = messages
  }

  /** In batches, in the order of `uids`; those that are gone may be left out. */
  async *of(uids: readonly number[]): AsyncGenerator<readonly Indexed[]> {
    this.#budget.used(this)
    // Taken now: while a client is waited for, what is kept may have to give way.
    const found = uids.map((uid) => this.#kept.get(uid))
    const missing = uids.filter((_, at) => found[at] === undefined)
    // When most have to be read, a scan reads the others along.
    if (missing.length * 2 > uids.length) {
      yield* this.#reading(uids)
      return
    }
    const read = new Map<number, MessageIndex>()
    for await (const batch of missing.length === 0 ? [] : this.#reading(missing)) {
      for (const [uid, index] of batch) read.set(uid, index)
    }
    for (let from = 0; from < uids.length; from += BATCH) {
      const batch: Indexed[] = []
      for (let at = from; at < Math.min(from + BATCH, uids.length); at++) {
        const uid = uids[at] as number
        const index = found[at] ?? read.get(uid)
        if (index !== undefined) batch.push([uid, index])
      }
      yield batch
    }
  }

  clear(): void {
    this.#kept.clear()
    this.#budget.giveBack(this)
  }

  async *#reading(uids: readonly number[]): AsyncGenerator<readonly Indexed[]> {
    this.#readSoFar += uids.length
    const messages = this.#messages()
    const isAgain = messages <= MAX_MESSAGES && this.#readSoFar > messages
    for await (const batch of this.#read(uids)) {
      if (isAgain) for (const [uid, index] of batch) this.#keep(uid, index)
      yield batch
    }
  }

  #keep(uid: number, index: MessageIndex): void {
    if (this.#kept.has(uid)) return
    const { envelope, bodyStructure, body } = index
    const octets = INDEX_OCTETS + envelope.length + bodyStructure.length + body.length
    if (this.#budget.take(this, octets)) this.#kept.set(uid, index)
  }
}
