import type { Entry, Range, Reader } from '../engine.ts'
import { MessageKeys } from '../layout.ts'
import type { AccountId } from '../mail-store.ts'

/** What is stored of one message, whatever of it is there. */
export interface StoredRow {
  readonly uid: number
  readonly state: Buffer | undefined
  readonly copy: Buffer | undefined
  readonly index: Buffer | undefined
}

const BATCH = 250

/** State, copy and index of each message of a mailbox side by side, in UID order, also where some of them are missing. */
export async function* mergedRows(
  reader: Reader,
  account: AccountId,
  mailbox: number,
): AsyncIterable<readonly StoredRow[]> {
  const cursors = (['mail-state', 'mail-copy', 'mail-index'] as const).map(
    (space) => new Cursor(reader, new MessageKeys(space, account, mailbox).range()),
  )
  const [states, copies, indexes] = cursors as [Cursor, Cursor, Cursor]
  let rows: StoredRow[] = []
  for (;;) {
    for (const cursor of cursors) if (!cursor.isReady) await cursor.fill()
    const uid = Math.min(states.uid, copies.uid, indexes.uid)
    if (uid === Infinity) break
    rows.push({ uid, state: states.take(uid), copy: copies.take(uid), index: indexes.take(uid) })
    if (rows.length >= BATCH) {
      yield rows
      rows = []
    }
  }
  if (rows.length > 0) yield rows
}

/** One kind of record, read batch by batch. */
class Cursor {
  readonly #batches: AsyncIterator<readonly Entry[]>
  #batch: readonly Entry[] = []
  #at = 0
  #hasEnded = false

  constructor(reader: Reader, range: Range) {
    this.#batches = reader.scan(range)[Symbol.asyncIterator]()
  }

  get isReady(): boolean {
    return this.#hasEnded || this.#at < this.#batch.length
  }

  get uid(): number {
    const entry = this.#batch[this.#at]
    return entry === undefined ? Infinity : MessageKeys.uidOf(entry[0])
  }

  async fill(): Promise<void> {
    while (!this.isReady) {
      const { done, value } = await this.#batches.next()
      if (done) this.#hasEnded = true
      this.#batch = done ? [] : value
      this.#at = 0
    }
  }

  take(uid: number): Buffer | undefined {
    if (this.uid !== uid) return undefined
    return this.#batch[this.#at++]?.[1]
  }
}
