import type { Entry, Key, Range, Transaction } from 'mailserver'
import type { Op } from '../segments/commit-frame.ts'
import type { Database } from './database.ts'
import { readValue, readValues, scanEntries } from './index-reader.ts'
import { PRIVATE } from './private-keys.ts'
import { overlay, WriteSet } from './write-set.ts'

/** Collects what a transaction writes; reads see it. Of no use once the transaction has ended. */
export class LevelTransaction implements Transaction {
  readonly #db: Database
  readonly #writes = new WriteSet()
  readonly #committed: (() => void)[] = []
  #hasEnded = false

  constructor(db: Database) {
    this.#db = db
  }

  async get(key: Key): Promise<Buffer | undefined> {
    const own = this.#writes.find(key)
    return own === undefined ? readValue(this.#db, key) : own.value
  }

  async getMany(keys: readonly Key[]): Promise<(Buffer | undefined)[]> {
    if (this.#writes.size === 0) return readValues(this.#db, keys)
    const own = keys.map((key) => this.#writes.find(key))
    const stored = await readValues(
      this.#db,
      keys.filter((_, at) => own[at] === undefined),
    )
    let next = 0
    return own.map((op) => (op === undefined ? stored[next++] : op.value))
  }

  scan(range: Range): AsyncIterable<readonly Entry[]> {
    const writes = this.#writes.within(range)
    if (writes.length === 0) return scanEntries(this.#db, range)
    const { limit, ...rest } = range
    if (limit !== undefined && limit <= 0) return scanEntries(this.#db, range)
    // Each write may hide one stored entry, so that many more are read.
    const stored = limit === undefined ? rest : { ...rest, limit: limit + writes.length }
    return overlay(scanEntries(this.#db, stored), writes, range)
  }

  put(key: Key, value: Buffer): void {
    this.#write(key, value)
  }

  delete(key: Key): void {
    this.#write(key, undefined)
  }

  afterCommit(fn: () => void): void {
    this.#committed.push(fn)
  }

  /** Takes no more writes, and returns those there are. */
  end(): Op[] {
    this.#hasEnded = true
    return this.#writes.ops()
  }

  /** What is to be called once the writes are on disk and visible. */
  get committed(): readonly (() => void)[] {
    return this.#committed
  }

  #write(key: Key, value: Buffer | undefined): void {
    if (this.#hasEnded) throw new Error('the transaction has ended: it takes no more writes')
    if (key.compare(PRIVATE) >= 0) throw new RangeError('a key must not begin with eight octets of 0xff')
    this.#writes.set(key, value)
  }
}
