import type { Engine, Entry, Key, Lease, Log, Range, Snapshot, Transaction, TransactOptions } from 'mailserver'
import type { CommitOrder, SegmentLog } from '../segments/segment-log.ts'
import type { Bus } from './bus.ts'
import type { Database } from './database.ts'
import { readValue, readValues, scanEntries } from './index-reader.ts'
import type { Leases } from './leases.ts'
import { LevelSnapshot } from './level-snapshot.ts'
import { LevelTransaction } from './level-transaction.ts'
import { type PendingCommit, PendingCommits } from './pending-commits.ts'
import type { ScopeLocks, Turn } from './scope-locks.ts'

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
  readonly #pending = new PendingCommits()

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

  transact<T>(
    scopes: readonly string[],
    fn: (tx: Transaction) => Promise<T>,
    { until = 'visible' }: TransactOptions = {},
  ): Promise<T> {
    return this.#transact(scopes, fn, until)
  }

  transactRelaxed<T>(scopes: readonly string[], fn: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#transact(scopes, fn, 'logged')
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

  async #transact<T>(
    scopes: readonly string[],
    fn: (tx: Transaction) => Promise<T>,
    until: CommitOrder['until'],
  ): Promise<T> {
    const { db, locks } = this.#parts
    const turn = await locks.acquire(scopes)
    const tx = new LevelTransaction(db, this.#pending)
    try {
      const { result, error } = await outcomeOf(fn, tx)
      tx.end()
      if (error === undefined && tx.writes.size > 0) {
        await this.#commit(tx, turn, until)
      } else {
        turn.pass()
        await this.#whenFounded(tx, error === undefined ? () => this.#follow(tx) : () => {})
        turn.end()
        if (error !== undefined) throw error.reason
      }
      return result as T
    } catch (cause) {
      turn.end()
      throw cause
    }
  }

  /** Its turn ends when all can see it, whoever waits for that. */
  async #commit(tx: LevelTransaction, turn: Turn, until: CommitOrder['until']): Promise<void> {
    const { segments, onCommit } = this.#parts
    const began = performance.now()
    let commit: PendingCommit | undefined
    await segments.commit({
      ops: tx.writes.all(),
      until,
      check: () => tx.check(),
      isAwaited: turn.isAwaited,
      placed: () => {
        commit = this.#pending.add(tx.writes, () => this.#follow(tx))
        turn.pass()
      },
      settled: (fault) => {
        this.#pending.settle(commit as PendingCommit, fault)
        turn.end()
      },
    })
    if (until !== 'logged') onCommit((performance.now() - began) / 1_000)
  }

  /**
   * Ends a transaction that has written nothing. Nobody hears what it has read before that is on disk, be it by a result or
   * by an error; and what follows it keeps its place behind what follows those before it.
   * @throws what failed a commit it has read of
   */
  #whenFounded(tx: LevelTransaction, follow: () => void): Promise<void> {
    const before = [...(tx.committed.length > 0 ? this.#pending.commits : tx.foundations)]
    if (before.length > 0) this.#parts.segments.hurry()
    return new Promise((resolve, reject) => {
      PendingCommits.whenOver(before, () => {
        try {
          tx.check()
          follow()
          resolve()
        } catch (fault) {
          reject(fault)
        }
      })
    })
  }

  #follow(tx: LevelTransaction): void {
    for (const done of tx.committed) {
      try {
        done()
      } catch (err) {
        this.#parts.log.error({ err }, 'what was to follow a commit failed')
      }
    }
  }
}

type Outcome<T> = { readonly result?: T; readonly error?: { readonly reason: unknown } }

async function outcomeOf<T>(fn: (tx: Transaction) => Promise<T>, tx: Transaction): Promise<Outcome<T>> {
  try {
    return { result: await fn(tx) }
  } catch (reason) {
    return { error: { reason } }
  }
}
