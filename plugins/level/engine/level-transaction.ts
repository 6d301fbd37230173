import type { Entry, Key, Range, Transaction } from 'mailserver'
import type { Op } from '../segments/commit-frame.ts'
import type { Database } from './database.ts'
import { readValue, readValues, scanEntries } from './index-reader.ts'
import { hashOf, KeyMap } from './key-map.ts'
import type { PendingCommit, PendingCommits } from './pending-commits.ts'
import { PRIVATE } from './private-keys.ts'
import { inDirection, overlay, type Write, WriteSet } from './write-set.ts'

/**
 * Collects what a transaction writes. Reads see it, under it what is pending, and under that the index. Of no use once
 * the transaction has ended.
 */
export class LevelTransaction implements Transaction {
  /** What it has written so far. */
  readonly writes = new WriteSet()
  readonly #db: Database
  readonly #pending: PendingCommits
  readonly #foundations = new Set<PendingCommit>()
  readonly #committed: (() => void)[] = []
  #hasEnded = false

  constructor(db: Database, pending: PendingCommits) {
    this.#db = db
    this.#pending = pending
  }

  async get(key: Key): Promise<Buffer | undefined> {
    const op = this.#find(key)
    return op === undefined ? readValue(this.#db, key) : op.value
  }

  async getMany(keys: readonly Key[]): Promise<(Buffer | undefined)[]> {
    if (this.#isBare) return readValues(this.#db, keys)
    const values: (Buffer | undefined)[] = []
    const missing: Key[] = []
    const places: number[] = []
    for (const [at, key] of keys.entries()) {
      const op = this.#find(key)
      values.push(op?.value)
      if (op !== undefined) continue
      missing.push(key)
      places.push(at)
    }
    if (missing.length === 0) return values
    const stored = await readValues(this.#db, missing)
    for (const [at, place] of places.entries()) values[place] = stored[at]
    return values
  }

  scan(range: Range): AsyncIterable<readonly Entry[]> {
    const { limit, ...rest } = range
    if (this.#isBare || (limit !== undefined && limit <= 0)) return scanEntries(this.#db, range)
    const writes = this.#within(range)
    if (writes.length === 0) return scanEntries(this.#db, range)
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

  /** Takes no more writes. */
  end(): void {
    this.#hasEnded = true
  }

  /** What is to be called once the writes are on disk and visible. */
  get committed(): readonly (() => void)[] {
    return this.#committed
  }

  /** The pending commits it has read of. */
  get foundations(): Iterable<PendingCommit> {
    return this.#foundations
  }

  /** @throws what failed a commit it has read of: what it was told is not so */
  check(): void {
    for (const { fault } of this.#foundations) if (fault !== undefined) throw fault
  }

  /** The index alone answers. */
  get #isBare(): boolean {
    return this.writes.size === 0 && this.#pending.isEmpty
  }

  /** The last word on the key that the index does not have. */
  #find(key: Key): Op | undefined {
    if (this.#isBare) return undefined
    const hash = hashOf(key)
    const own = this.writes.find(key, hash)
    if (own !== undefined) return own
    const commit = this.#pending.newest(key, hash)
    if (commit === undefined) return undefined
    this.#foundations.add(commit)
    return commit.writes.find(key, hash)
  }

  #within(range: Range): Op[] {
    const found = new KeyMap<Write>()
    for (const commit of this.#pending.commits) {
      if (commit.writes.layOver(found, range)) this.#foundations.add(commit)
    }
    this.writes.layOver(found, range)
    return inDirection(range, found.values())
  }

  #write(key: Key, value: Buffer | undefined): void {
    if (this.#hasEnded) throw new Error('the transaction has ended: it takes no more writes')
    if (key.compare(PRIVATE) >= 0) throw new RangeError('a key must not begin with eight octets of 0xff')
    this.writes.set(key, value)
  }
}
