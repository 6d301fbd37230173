import { type BlobRange, type BlobRef, type BlobStore, type FieldPlaces, fieldPlaces, headerEnd } from 'mailserver'
import { inOrderOf } from '../fetch/in-order-of.ts'
import { readMessages } from '../fetch/read-messages.ts'
import type { CacheBudget } from './cache-budget.ts'
import { KeptReadings, type Reading } from './kept-readings.ts'
import { Slabs } from './slabs.ts'

/** What is read of every message for its header: nearly all have no longer one, and drivers prove as much in any case. */
const READ_BYTES = 32 * 1024
const HEAD_RANGE: BlobRange = { start: 0, end: READ_BYTES }
/** What a head takes beside its octets. */
const HEAD_OCTETS = 250
const PLACE_OCTETS = 8

/** Where a message begins. Its octets are good until the next batch is asked for. */
export interface Head {
  readonly octets: Buffer
  /** Where the fields are, when the octets are the header section alone; else these are the first of the message. */
  readonly places: FieldPlaces | undefined
}

/** The messages that are there and where their octets are, by rising UID. */
export type FindBlobs = (uids: readonly number[]) => Promise<readonly (readonly [uid: number, blob: BlobRef])[]>

/** Header sections of one mailbox's messages: of what is listed by its header fields again and again. */
export class KeptHeads {
  readonly #readings: KeptReadings<Head>
  readonly #find: FindBlobs

  /** @param messages how many the mailbox has */
  constructor(budget: CacheBudget, find: FindBlobs, messages: () => number) {
    const slabs = new Slabs()
    this.#readings = new KeptReadings<Head>(
      budget,
      ({ octets }, take) => {
        const end = headerEnd(octets)
        // It may go on behind what was read.
        if (end === READ_BYTES) return undefined
        const section = octets.subarray(0, end)
        const places = fieldPlaces(section)
        const isTaken = take(HEAD_OCTETS + end + places.length * PLACE_OCTETS)
        return isTaken ? { octets: slabs.copy(section), places } : undefined
      },
      messages,
    )
    this.#find = find
  }

  /**
   * In batches, in the order of `uids`, which rise or fall; those that are gone are left out.
   * @param onDamaged told of those whose octets are damaged: they are left out as well
   * @throws MailError UNAVAILABLE
   */
  of(
    uids: readonly number[],
    blobs: BlobStore,
    onDamaged: (uid: number) => void,
  ): AsyncIterable<readonly Reading<Head>[]> {
    return this.#readings.of(uids, (missing) => this.#read(missing, blobs, onDamaged))
  }

  clear(): void {
    this.#readings.clear()
  }

  async *#read(
    uids: readonly number[],
    blobs: BlobStore,
    onDamaged: (uid: number) => void,
  ): AsyncGenerator<readonly Reading<Head>[]> {
    const messages = inOrderOf(uids, await this.#find(uids))
    for await (const batch of readMessages(blobs, messages, onDamaged, () => HEAD_RANGE)) {
      yield batch.map(([uid, octets]) => [uid, { octets, places: undefined }])
    }
  }
}
