import { defineService } from '../kernel/service.ts'

/** Ordered by unsigned byte comparison. Build them with key.ts. */
export type Key = Buffer

export interface Range {
  readonly gte?: Key
  readonly gt?: Key
  readonly lt?: Key
  readonly lte?: Key
  readonly reverse?: boolean
  /** Entries at most; all when absent. */
  readonly limit?: number
}

export type Entry = readonly [key: Key, value: Buffer]

export interface Reader {
  get(key: Key): Promise<Buffer | undefined>
  /** In the order of the keys; undefined where there is none. */
  getMany(keys: readonly Key[]): Promise<(Buffer | undefined)[]>
  /** Entries of the range in key order, in batches of a size that suits the driver. Inside a transaction it sees the transaction's own writes. */
  scan(range: Range): AsyncIterable<readonly Entry[]>
}

/**
 * The store as it was at one moment: later commits do not show in it, however long it is read, and it does not hold
 * them up. What it still shows cannot be cleared away, so give it back soon. Of no use afterwards.
 */
export interface Snapshot extends Reader, AsyncDisposable {}

/** Reads see this transaction's own writes. Nothing is visible to others, or on disk, before it commits. */
export interface Transaction extends Reader {
  /** The buffers are the transaction's from now on: nobody changes them any more. */
  put(key: Key, value: Buffer): void
  delete(key: Key): void
  /** Calls `fn` once the transaction is on disk and visible; not at all when it fails. */
  afterCommit(fn: () => void): void
}

export interface TransactOptions {
  /**
   * When it resolves. `visible`, as when absent: what it wrote is on disk, everyone sees it, and what was to follow the
   * commit has been called. `durable`: it is on disk, and the rest comes in a moment; for whoever only promises to have it.
   */
  readonly until?: 'visible' | 'durable'
}

/** A lease that ran out or was taken over says so by its signal. */
export interface Lease {
  readonly lost: AbortSignal
  release(): Promise<void>
}

/**
 * Ordered keys and atomic, durable commits. Drivers: `level` (default), `memory` (tests), `postgres` (cluster).
 * A driver passes `engineContract` of `mailserver/testing`.
 */
export interface Engine extends Reader {
  /** Everything that was committed when it was called, by any worker: all of a commit, or nothing of it. */
  snapshot(): Promise<Snapshot>
  /**
   * Runs `fn` while no other transaction, in any worker, holds one of `scopes`; then commits what it wrote, all or
   * nothing. Resolves once that is on disk and seen. When `fn` throws nothing is written. A scope is any text, e.g. `account:…`;
   * scopes are taken in sorted order, so two transactions never wait for each other in a circle. Never nest.
   * `fn` reads through `tx` alone: only there it sees commits of its scopes that are on their way to the disk. It tells of
   * them by nothing but its result or error, which wait until they are there, and fail with them.
   * @throws MailError STORE_FULL when the disk is full, UNAVAILABLE when the driver cannot write
   */
  transact<T>(scopes: readonly string[], fn: (tx: Transaction) => Promise<T>, options?: TransactOptions): Promise<T>
  /**
   * As `transact`, but resolves when the commit is visible and in the log, not waiting for the disk: for what may be
   * lost in a power failure, such as flags. A later durable commit makes it durable as well.
   */
  transactRelaxed<T>(scopes: readonly string[], fn: (tx: Transaction) => Promise<T>): Promise<T>
  /** Hears what is published on the topic, in every worker, its own included. Returns the function that ends it. */
  watch(topic: string, listener: (message: string) => void): () => void
  /** Tells all watchers, of all workers. Not stored: who must not miss it also reads the store. */
  publish(topic: string, message: string): void
  /** Exclusive for `ttlMs`, kept alive until released or this process ends; undefined when another holds it. */
  lease(name: string, ttlMs: number): Promise<Lease | undefined>
}

export const engine = defineService<Engine>('core:engine')
