import type { CacheBudget, Keeper } from './cache-budget.ts'

export type Reading<T> = readonly [uid: number, value: T]
/** Reads in batches, in the order of `uids`; messages that are gone may be left out. */
export type Read<T> = (uids: readonly number[]) => AsyncIterable<readonly Reading<T>[]>
/**
 * What is kept of what was read: good for as long as it is kept, whatever becomes of `value`. Undefined when nothing is.
 * @param take asked once for the octets that it takes; when there is no room, nothing is kept
 */
export type Keep<T> = (value: T, take: (octets: number) => boolean) => T | undefined

/** Of a mailbox with more of them nothing is kept: it would not fit, and what does would hardly help. */
const MAX_MESSAGES = 20_000
/** Kept ones that are given out at a time. */
const BATCH = 1000

/**
 * What was read of one mailbox's messages, kept from the second time on that its messages are read: a client that lists
 * its mailbox once leaves nothing behind, one that does so again and again has nothing read for it. A message never
 * changes and its UID is never used again, so nothing here becomes wrong; whoever asks knows what is gone.
 */
export class KeptReadings<T> implements Keeper {
  readonly #budget: CacheBudget
  readonly #keep: Keep<T>
  readonly #messages: () => number
  readonly #kept = new Map<number, Reading<T>>()
  readonly #take = (octets: number): boolean => this.#budget.take(this, octets)
  /** Messages that were read so far, each as often as it was. */
  #readSoFar = 0

  /** @param messages how many the mailbox has */
  constructor(budget: CacheBudget, keep: Keep<T>, messages: () => number) {
    this.#budget = budget
    this.#keep = keep
    this.#messages = messages
  }

  /** In batches, in the order of `uids`; those that are gone may be left out. @param read reads what is not kept */
  async *of(uids: readonly number[], read: Read<T>): AsyncGenerator<readonly Reading<T>[]> {
    if (this.#kept.size === 0) {
      yield* this.#reading(uids, read)
      return
    }
    this.#budget.used(this)
    // Taken now: while a client is waited for, what is kept may have to give way.
    const found = uids.map((uid) => this.#kept.get(uid))
    const missing = uids.filter((_, at) => found[at] === undefined)
    // When most have to be read, a scan reads the others along.
    if (missing.length * 2 > uids.length) {
      yield* this.#reading(uids, read)
      return
    }
    yield* this.#merged(uids, found, missing.length === 0 ? undefined : this.#reading(missing, read))
  }

  clear(): void {
    this.#kept.clear()
    this.#budget.giveBack(this)
  }

  /** @param rest gives those that are not found, in the order of `uids` */
  async *#merged(
    uids: readonly number[],
    found: readonly (Reading<T> | undefined)[],
    rest: AsyncGenerator<readonly Reading<T>[]> | undefined,
  ): AsyncGenerator<readonly Reading<T>[]> {
    let merged: Reading<T>[] = []
    let batch: readonly Reading<T>[] = []
    let next = 0
    let isOver = rest === undefined
    try {
      for (const [at, uid] of uids.entries()) {
        let reading = found[at]
        while (reading === undefined && next === batch.length && !isOver) {
          // What was read may be good only until more is asked for.
          if (merged.length > 0) yield merged
          merged = []
          const step = await rest?.next()
          isOver = step?.done !== false
          batch = step?.done === false ? step.value : []
          next = 0
        }
        if (reading === undefined && batch[next]?.[0] === uid) reading = batch[next++]
        if (reading !== undefined) merged.push(reading)
        if (merged.length < BATCH) continue
        yield merged
        merged = []
      }
      if (merged.length > 0) yield merged
    } finally {
      await rest?.return(undefined)
    }
  }

  async *#reading(uids: readonly number[], read: Read<T>): AsyncGenerator<readonly Reading<T>[]> {
    this.#readSoFar += uids.length
    const messages = this.#messages()
    const isAgain = messages <= MAX_MESSAGES && this.#readSoFar > messages
    for await (const batch of read(uids)) {
      if (isAgain) for (const [uid, value] of batch) this.#keepOne(uid, value)
      yield batch
    }
  }

  #keepOne(uid: number, value: T): void {
    if (this.#kept.has(uid)) return
    const kept = this.#keep(value, this.#take)
    if (kept !== undefined) this.#kept.set(uid, [uid, kept])
  }
}
