import type { MessageIndex } from 'mailserver'
import type { CacheBudget } from './cache-budget.ts'
import { type Keep, KeptReadings, type Read, type Reading } from './kept-readings.ts'

/** What an index takes beside its texts, in octets. */
const INDEX_OCTETS = 700

const keepIndex: Keep<MessageIndex> = (index, take) => {
  const { envelope, bodyStructure, body } = index
  return take(INDEX_OCTETS + envelope.length + bodyStructure.length + body.length) ? index : undefined
}

/** Indexes of one mailbox's messages: of what is sorted, threaded, searched and listed again and again. */
export class KeptIndexes {
  readonly #readings: KeptReadings<MessageIndex>
  readonly #read: Read<MessageIndex>

  /** @param messages how many the mailbox has */
  constructor(budget: CacheBudget, read: Read<MessageIndex>, messages: () => number) {
    this.#readings = new KeptReadings(budget, keepIndex, messages)
    this.#read = read
  }

  /** In batches, in the order of `uids`; those that are gone may be left out. */
  of(uids: readonly number[]): AsyncIterable<readonly Reading<MessageIndex>[]> {
    return this.#readings.of(uids, this.#read)
  }

  clear(): void {
    this.#readings.clear()
  }
}
