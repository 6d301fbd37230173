/**
 * Group commit: one fdatasync for everything that waits, and what arrives while it runs waits for the next. After a sync
 * that failed the system may have dropped the pages and call the next one a success, so there is no next one: the
 * whole store stops acknowledging.
 */
import { MailError } from 'mailserver'
import { faultOf } from '../faults.ts'
import type { SharedState, Slot } from '../shared-state.ts'
import type { Dependency } from './commit-frame.ts'
import { gather } from './gather.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { SegmentWriter } from './segment-writer.ts'
import { SyncPace } from './sync-pace.ts'

interface Waiter {
  readonly end: number
  readonly done: PromiseWithResolvers<void>
}

export class SyncGroups {
  readonly #shared: SharedState
  readonly #slot: Slot
  readonly #files: SegmentFiles
  readonly #fail: (cause: Error) => void
  #writer: SegmentWriter | undefined
  #synced = 0
  #waiters: Waiter[] = []
  #isRunning = false
  #running: Promise<void> | undefined
  readonly #beside = new Set<number>()
  readonly #pace = new SyncPace()

  /** @param fail is told when a sync has failed */
  constructor(shared: SharedState, slot: Slot, files: SegmentFiles, fail: (cause: Error) => void) {
    this.#fail = fail
    this.#shared = shared
    this.#slot = slot
    this.#files = files
  }

  /** Goes on with a new segment. Everything of the former one has been synced. */
  begin(writer: SegmentWriter): void {
    this.#writer = writer
    this.#synced = 0
    this.#beside.clear()
    this.#slot.begin(writer.segment, 0)
  }

  /** The next sync takes the segments along that a commit of this one stands on. */
  dependOn(dependencies: readonly Dependency[]): void {
    for (const { segment } of dependencies) this.#beside.add(segment)
  }

  /** Resolves when the segment is on disk up to `end`, which has been written. @throws MailError UNAVAILABLE */
  whenSynced(end: number): Promise<void> {
    if (end <= this.#synced) return Promise.resolve()
    const done = Promise.withResolvers<void>()
    this.#waiters.push({ end, done })
    if (!this.#isRunning) this.#running = this.#run()
    return done.promise
  }

  /** Resolves when no sync is under way. */
  async whenIdle(): Promise<void> {
    while (this.#isRunning) await this.#running
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    // A sync costs nearly as much for one commit as for ten: it takes along what the sessions have under way already.
    if (this.#pace.hasCompany) await gather(() => this.#waiters.length)
    while (this.#waiters.length > 0) {
      const writer = this.#writer as SegmentWriter
      const end = writer.written
      const waiters = this.#waiters.length
      const isHeld = this.#beside.size === 0 && this.#pace.mayHold(waiters, end - this.#synced)
      const began = performance.now()
      try {
        if (this.#shared.hasFailed) throw new MailError('UNAVAILABLE', 'the store stopped after a failed sync')
        if (isHeld) writer.syncNow()
        else await this.#syncAll(writer)
      } catch (cause) {
        this.#failAll(faultOf(cause, `syncing ${writer.path}`))
        break
      }
      this.#pace.ended(performance.now() - began, isHeld ? undefined : this.#waiters.length - waiters)
      this.#synced = end
      this.#slot.synced = end
      const covered = this.#waiters.filter((waiter) => waiter.end <= end)
      this.#waiters = this.#waiters.filter((waiter) => waiter.end > end)
      for (const { done } of covered) done.resolve()
    }
    this.#isRunning = false
  }

  async #syncAll(writer: SegmentWriter): Promise<void> {
    const beside = [...this.#beside]
    this.#beside.clear()
    if (beside.length === 0) await writer.sync()
    else await Promise.all([writer.sync(), ...beside.map((segment) => this.#syncBeside(segment))])
  }

  async #syncBeside(segment: number): Promise<void> {
    try {
      await this.#files.sync(segment)
    } catch (cause) {
      // A segment is deleted only after all of it is in the index's tables.
      if (!(cause instanceof MailError && cause.code === 'NOT_FOUND')) throw cause
    }
  }

  #failAll(fault: MailError): void {
    this.#fail(fault)
    const waiters = this.#waiters
    this.#waiters = []
    const stopped = new MailError('UNAVAILABLE', fault.message, { cause: fault })
    for (const { done } of waiters) done.reject(stopped)
  }
}
