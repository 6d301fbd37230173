/**
 * The one in a process who owns the store: the supervisor, or the only thread of a command. It keeps other processes
 * out, recovers, opens LevelDB before any other thread and closes it after the last.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from 'mailserver'
import { type Database, dropOwnLog, flush, openDatabase, openGate } from '../engine/database.ts'
import { Leases } from '../engine/leases.ts'
import { ScopeLocks } from '../engine/scope-locks.ts'
import { type Layout, prepareLayout } from '../layout.ts'
import { OWNER, SharedState, type Slot } from '../shared-state.ts'
import type { StoreOptions } from '../store-options.ts'
import { upgradeLayout } from '../upgrades/upgrade-layout.ts'
import { UPGRADES } from '../upgrades/upgrades.ts'
import { admitIndex, admitKeys } from './admit-keys.ts'
import { beginRun, noteUnclean } from './audit.ts'
import { bringUp, readPositions, recover } from './recovery.ts'
import { finishExchange } from './rewrite-index.ts'
import { restoreSpare } from './spare-index.ts'
import { sweepInTurn } from './sweep.ts'

const SWEEP_MS = 60_000
/** What must not be cut off takes microseconds, where the thread is let run. */
const UNCUT_MS = 1_000

export class StoreOwner {
  readonly layout: Layout
  readonly shared: SharedState
  readonly #gate: Database
  readonly #db: Database
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  #sweeping: Promise<void> | undefined
  #flushedAt: number
  #isClosed = false

  private constructor(parts: { layout: Layout; gate: Database; db: Database; shared: SharedState; log: Log }) {
    this.layout = parts.layout
    this.shared = parts.shared
    this.#gate = parts.gate
    this.#db = parts.db
    this.#log = parts.log
    this.#flushedAt = parts.shared.nextSegment
    this.#timer = setInterval(() => void this.sweep(), SWEEP_MS)
    this.#timer.unref()
  }

  /** @throws UserError when another process has the store, a newer program wrote it, or it cannot be read or written */
  static async open(root: string, options: StoreOptions, log: Log): Promise<StoreOwner> {
    const layout = prepareLayout(root, options.ring)
    const gate = await openGate(layout)
    let db: Database | undefined
    try {
      await upgradeLayout(layout, UPGRADES, log)
      finishExchange(layout)
      await restoreSpare(layout, log)
      dropOwnLog(layout)
      await admitKeys(layout, log)
      db = await openDatabase(layout, options)
      admitIndex(layout, db)
      const recovered = await recover(layout, db, log)
      const { nextSequence, nextSegment, replayed } = recovered
      await beginRun(db, recovered)
      // Into the tables: what is in memory alone is dropped after a crash, and this is read after one.
      await flush(db)
      if (replayed > 0) log.info({ replayed }, 'commits replayed from the log')
      await Leases.clear(db)
      const shared = new SharedState()
      shared.begin(nextSequence, nextSegment)
      return new StoreOwner({ layout, gate, db, shared, log })
    } catch (err) {
      await db?.close()
      await gate.close()
      throw err
    }
  }

  /** A worker's thread is about to be ended. Resolves when it does nothing that must not be cut off, or hangs in it. */
  async workerEnding(worker: number): Promise<void> {
    const slots = this.shared.claimed().filter((slot) => slot.worker === worker)
    for (const slot of slots) slot.isEnding = true
    for (const until = performance.now() + UNCUT_MS; slots.some((slot) => slot.isUncut); ) {
      if (performance.now() > until) return
      await sleep(1)
    }
  }

  /**
   * A worker's thread is gone without having closed the store. Commits it had logged and not yet applied are applied
   * before anybody gets the scopes they were made in.
   */
  async workerExited(worker: number): Promise<void> {
    await this.#takeOver(this.shared.claimed().filter((slot) => slot.worker === worker))
  }

  /** Gives room back. Never rejects: what could not be done now is done the next time. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined
    })
    return this.#sweeping
  }

  /** Everything into LevelDB's tables, so that the next start has nothing to replay. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#timer)
    await this.#sweeping
    try {
      await this.#takeOver(this.shared.claimed())
      await this.#sweep()
      await flush(this.#db)
    } finally {
      await this.#db.close()
      await this.#gate.close()
    }
  }

  async #sweep(): Promise<void> {
    try {
      const { nextSegment } = this.shared
      if (nextSegment > this.#flushedAt) {
        // Large messages fill segments long before the index fills its memory: this bounds what a replay has to read.
        await flush(this.#db)
        this.#flushedAt = nextSegment
      }
      await sweepInTurn({ layout: this.layout, db: this.#db, log: this.#log, shared: this.shared }, OWNER)
    } catch (err) {
      this.#log.error({ err }, 'room could not be given back')
    }
  }

  /** A thread that compacts has two slots: nothing it held is free before all it has logged is applied. */
  async #takeOver(slots: readonly Slot[]): Promise<void> {
    const segments = slots.flatMap(({ segment }) => (segment === undefined ? [] : [segment]))
    try {
      await this.#finish(segments)
    } catch (err) {
      // Commits stay behind that nobody may build upon before they are applied: the next start applies them.
      this.shared.fail()
      this.#log.error({ segments, err }, 'segments could not be taken over: the store takes nothing more')
    }
    for (const slot of slots) {
      ScopeLocks.freeOwner(this.shared.locks, slot.index + 1)
      ScopeLocks.freeOwner(this.shared.frameLock, slot.index + 1)
      this.shared.ends('sweep', slot.index)
      this.shared.ends('compact', slot.index)
      slot.free()
    }
  }

  async #finish(written: readonly number[]): Promise<void> {
    if (written.length === 0) return
    const positions = await readPositions(this.#db)
    const segments = written.filter((segment) => positions.get(segment)?.isSealed !== true)
    if (segments.length === 0) return
    await noteUnclean(this.#db)
    const { replayed: applied } = await bringUp(this.layout, this.#db, this.#log, segments, positions)
    this.#log.warn({ segments, applied }, 'took over the segments of a worker that ended without closing them')
  }
}
