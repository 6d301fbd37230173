import type { Engine, Entry, Key, Lease, Log, Range, Snapshot, Transaction } from 'mailserver'
import type { Op } from '../segments/commit-frame.ts'
import type { SegmentLog } from '../segments/segment-log.ts'
import type { Bus } from './bus.ts'
import type { Database } from './database.ts'
import { readValue, readValues, scanEntries } from './index-reader.ts'
import type { Leases } from './leases.ts'
import { LevelSnapshot } from './level-snapshot.ts'
import { LevelTransaction } from './level-transaction.ts'
import type { ScopeLocks } from './scope-locks.ts'

export interface LevelEngineParts {
  readonly db: Database
  readonly segments: SegmentLog
  readonly locks: ScopeLocks
  readonly bus: Bus
  readonly leases: Leases
  readonly log: Log
  /** Told how long a durable commit took, in seconds. */
  readonly onCommit: (seconds: number) => void
}

/** The Engine of one thread. */
export class LevelEngine implements Engine {
  readonly #parts: LevelEngineParts

  constructor(parts: LevelEngineParts) {
    this.#parts = parts
  }

  async get(key: Key): Promise<Buffer | undefined> {
    return readValue(this.#parts.db, key)
  }

  getMany(keys: readonly Key[]): Promise<(Buffer | undefined)[]> {
    return readValues(this.#parts.db, keys)
  }

  scan(range: Range): AsyncIterable<readonly Entry[]> {
    return scanEntries(this.#parts.db, range)
  }

  async snapshot(): Promise<Snapshot> {
    return new LevelSnapshot(this.#parts.db)
  }

  transact<T>(scopes: readonly string[], fn: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#transact(scopes, fn, false)
  }

  transactRelaxed<T>(scopes: readonly string[], fn: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#transact(scopes, fn, true)
  }

  watch(topic: string, listener: (message: string) => void): () => void {
    return this.#parts.bus.watch(topic, listener)
  }

  publish(topic: string, message: string): void {
    this.#parts.bus.publish(topic, message)
  }

  lease(name: string, ttlMs: number): Promise<Lease | undefined> {
    return this.#parts.leases.take(name, ttlMs)
  }

  async #transact<T>(scopes: readonly string[], fn: (tx: Transaction) => Promise<T>, isRelaxed: boolean): Promise<T> {
    const { db, locks, log } = this.#parts
    const unlock = await locks.acquire(scopes)
    try {
      const tx = new LevelTransaction(db)
      let result: T
      try {
        result = await fn(tx)
      } finally {
        tx.end()
      }
      const ops = tx.end()
      if (ops.length > 0) await this.#commit(ops, isRelaxed)
      for (const done of tx.committed) {
        try {
          done()
        } catch (err) {
          log.error({ err }, 'what was to follow a commit failed')
        }
      }
      return result
    } finally {
      unlock()
    }
  }

  async #commit(ops: readonly Op[], isRelaxed: boolean): Promise<void> {
    const { segments, onCommit } = this.#parts
    const began = performance.now()
    await segments.commit(ops, isRelaxed)
    if (!isRelaxed) onCommit((performance.now() - began) / 1_000)
  }
}
