import type { Entry, Range, Reader } from '../engine.ts'
import { MessageKeys, StatePageKeys } from '../layout.ts'
import type { AccountId } from '../mail-store.ts'
import { pageOf, StatePage, type StateRecord } from '../records/state-page.ts'
import { decoded } from './decoded.ts'

/** What is stored of one message, whatever of it is there. */
export interface StoredRow {
  readonly uid: number
  /** `unreadable`: the page that may have it cannot be read. */
  readonly state: StateRecord | 'unreadable' | undefined
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
  const unreadable = new Set<number>()
  const states = new Cursor(statesIn(reader, account, mailbox, unreadable))
  const copies = new Cursor(valuesIn(reader, new MessageKeys('mail-copy', account, mailbox).range()))
  const indexes = new Cursor(valuesIn(reader, new MessageKeys('mail-index', account, mailbox).range()))
  let rows: StoredRow[] = []
  for (;;) {
    if (!states.isReady) await states.fill()
    if (!copies.isReady) await copies.fill()
    if (!indexes.isReady) await indexes.fill()
    const uid = Math.min(states.uid, copies.uid, indexes.uid)
    if (uid === Infinity) break
    const state = states.take(uid) ?? (unreadable.has(pageOf(uid)) ? 'unreadable' : undefined)
    rows.push({ uid, state, copy: copies.take(uid), index: indexes.take(uid) })
    if (rows.length >= BATCH) {
      yield rows
      rows = []
    }
  }
  if (rows.length > 0) yield rows
}

type Row<T> = readonly [uid: number, value: T]

async function* valuesIn(reader: Reader, range: Range): AsyncGenerator<readonly Row<Buffer>[]> {
  for await (const batch of reader.scan(range)) yield batch.map(([at, value]: Entry) => [MessageKeys.uidOf(at), value])
}

/** Pages are read one behind the other: those that cannot be are known before their UIDs come up. */
async function* statesIn(
  reader: Reader,
  account: AccountId,
  mailbox: number,
  unreadable: Set<number>,
): AsyncGenerator<readonly Row<StateRecord>[]> {
  for await (const batch of reader.scan(new StatePageKeys(account, mailbox).range())) {
    const rows: Row<StateRecord>[] = []
    for (const [at, value] of batch) {
      const number = StatePageKeys.pageOf(at)
      const page = decoded(value, (bytes) => StatePage.decode(number, bytes))
      if (page === undefined) unreadable.add(number)
      for (let row = 0; row < (page?.count ?? 0); row++)
        rows.push([(page as StatePage).uidAt(row), (page as StatePage).recordAt(row)])
    }
    yield rows
  }
}

/** One kind of record, read batch by batch. */
class Cursor<T> {
  readonly #batches: AsyncIterator<readonly Row<T>[]>
  #batch: readonly Row<T>[] = []
  #at = 0
  #hasEnded = false

  constructor(batches: AsyncIterable<readonly Row<T>[]>) {
    this.#batches = batches[Symbol.asyncIterator]()
  }

  get isReady(): boolean {
    return this.#hasEnded || this.#at < this.#batch.length
  }

  get uid(): number {
    return this.#batch[this.#at]?.[0] ?? Infinity
  }

  async fill(): Promise<void> {
    while (!this.isReady) {
      const { done, value } = await this.#batches.next()
      if (done) this.#hasEnded = true
      this.#batch = done ? [] : value
      this.#at = 0
    }
  }

  take(uid: number): T | undefined {
    if (this.uid !== uid) return undefined
    return this.#batch[this.#at++]?.[1]
  }
}
