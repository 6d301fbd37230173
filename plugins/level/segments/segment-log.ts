/**
 * One thread's part of the log: message frames and commits go into its own segment, one fdatasync covers everything
 * that waits, and then the commits go into the index.
 */
import { MailError } from 'mailserver'
import type { Database } from '../engine/database.ts'
import { type Fed, IndexFeed } from '../engine/index-feed.ts'
import type { Layout } from '../layout.ts'
import type { SharedState, Slot } from '../shared-state.ts'
import { encodeCommit, type Op } from './commit-frame.ts'
import { FRAME, type FrameType, MAX_PAYLOAD_BYTES } from './frame.ts'
import type { Room } from './room.ts'
import type { SegmentFiles } from './segment-files.ts'
import { type Placed, SegmentWriter } from './segment-writer.ts'
import { SyncGroups } from './sync-groups.ts'

/** When a commit is on disk: with a shared sync, with one also for relaxed commits, or when the system sees fit. */
export type Durability = 'group' | 'fsync' | 'os'

export interface SegmentLogOptions {
  readonly layout: Layout
  readonly db: Database
  readonly shared: SharedState
  readonly slot: Slot
  readonly files: SegmentFiles
  readonly room: Room
  readonly segmentBytes: number
  readonly durability: Durability
}

/** What a power failure may take of relaxed commits. */
const RELAXED_SYNC_MS = 1_000
const NOTHING = Buffer.alloc(0)

export class SegmentLog {
  readonly #options: SegmentLogOptions
  readonly #groups: SyncGroups
  readonly #feed: IndexFeed
  #writer: SegmentWriter | undefined
  #rotating: Promise<void> | undefined
  #relaxedTimer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: SegmentLogOptions) {
    this.#options = options
    this.#groups = new SyncGroups(options.shared, options.slot, options.files)
    this.#feed = new IndexFeed(options.db, options.slot, () => options.shared.fail())
  }

  /** Appends bytes of a message; they are in the file when it resolves. @throws MailError STORE_FULL, UNAVAILABLE */
  append(type: FrameType, payload: Buffer): Promise<Placed> {
    return this.#use((writer) => {
      this.#options.room.take(payload.length, 'message')
      return writer.append(type, payload)
    })
  }

  /**
   * Writes the ops, all or nothing; they can be seen when it resolves.
   * @param isRelaxed does not wait for the disk
   * @throws MailError STORE_FULL, UNAVAILABLE
   */
  commit(ops: readonly Op[], isRelaxed: boolean): Promise<void> {
    return this.#use((writer) => this.#commitTo(writer, ops, isRelaxed))
  }

  /** Waits for everything on its way, then seals the segment. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#relaxedTimer)
    await this.#rotating?.catch(() => {})
    const writer = this.#writer
    this.#writer = undefined
    if (writer === undefined) return
    try {
      if (!this.#options.shared.hasFailed) await this.#seal(writer)
      await this.#feed.whenIdle()
    } finally {
      writer.close()
    }
  }

  /** Calls `fn` with the segment to write to; no other code runs between choosing it and calling. */
  async #use<T>(fn: (writer: SegmentWriter) => Promise<T>): Promise<T> {
    for (;;) {
      this.#check()
      const writer = this.#writer
      if (this.#rotating === undefined && writer !== undefined && writer.end < this.#options.segmentBytes) {
        return fn(writer)
      }
      this.#rotating ??= this.#rotate().finally(() => {
        this.#rotating = undefined
      })
      await this.#rotating
    }
  }

  #check(): void {
    if (this.#isClosed) throw new MailError('UNAVAILABLE', 'the store is closed')
    if (this.#options.shared.hasFailed)
      throw new MailError('UNAVAILABLE', 'the store stopped after a fault of the disk')
    if (this.#feed.stalled !== undefined) throw this.#feed.stalled
  }

  async #commitTo(writer: SegmentWriter, ops: readonly Op[], isRelaxed: boolean): Promise<void> {
    const { room, shared, slot, durability } = this.#options
    const dependencies = shared.unsyncedBeside(slot)
    const sequence = shared.takeSequence()
    const payload = encodeCommit({ sequence, syncedEnd: slot.synced, dependencies, ops })
    if (payload.length > MAX_PAYLOAD_BYTES) {
      throw new MailError('TOO_LARGE', `a commit of ${payload.length} octets is more than one frame holds`)
    }
    room.take(payload.length, 'commit')
    this.#groups.dependOn(dependencies)
    const isDurable = durability === 'fsync' || (durability === 'group' && !isRelaxed)
    const fed = await this.#feedTo(writer, FRAME.commit, payload, { sequence, ops, isDurable })
    if (!isDurable) this.#syncLater()
    await fed.visible.promise
  }

  /** Writes a frame that takes its turn into the index, and lets it go there once it may be seen. */
  async #feedTo(
    writer: SegmentWriter,
    type: FrameType,
    payload: Buffer,
    { sequence, ops, isDurable }: { sequence: bigint; ops: readonly Op[]; isDurable: boolean },
  ): Promise<Fed> {
    let fed: Fed | undefined
    const written = writer.append(type, payload, (place) => {
      const visible = Promise.withResolvers<void>()
      // Nobody may be waiting yet when it fails; whoever does still hears of it.
      visible.promise.catch(() => {})
      fed = { place, sequence, ops, isSeal: type === FRAME.seal, state: 'pending', visible }
      this.#feed.add(fed)
    })
    const taken = fed as unknown as Fed
    try {
      await written
      if (isDurable) await this.#groups.whenSynced(taken.place.end)
      else if (type === FRAME.commit) this.#options.slot.relaxedEnd = taken.place.end
    } catch (fault) {
      this.#feed.settle(taken, 'failed')
      throw fault
    }
    this.#feed.settle(taken, 'ready')
    return taken
  }

  async #rotate(): Promise<void> {
    const { layout, shared } = this.#options
    const old = this.#writer
    if (old !== undefined) {
      // The old segment is on disk before the new one begins: what stands in the new never relies on what may be lost.
      await this.#seal(old)
      this.#writer = undefined
      old.close()
    }
    const writer = new SegmentWriter(layout, shared.takeSegment(), () => shared.fail())
    this.#groups.begin(writer)
    this.#writer = writer
  }

  async #seal(writer: SegmentWriter): Promise<void> {
    if (writer.end > 0) {
      await writer.whenWritten()
      await this.#groups.whenSynced(writer.written)
    }
    await this.#feedTo(writer, FRAME.seal, NOTHING, { sequence: 0n, ops: [], isDurable: false })
  }

  #syncLater(): void {
    if (this.#options.durability === 'os' || this.#relaxedTimer !== undefined) return
    this.#relaxedTimer = setTimeout(() => {
      this.#relaxedTimer = undefined
      const writer = this.#writer
      // A sync that fails has stopped the store by itself.
      if (writer !== undefined) this.#groups.whenSynced(writer.written).catch(() => {})
    }, RELAXED_SYNC_MS)
    this.#relaxedTimer.unref()
  }
}
