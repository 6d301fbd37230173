/**
 * One thread's part of the log: message frames and commits go into its own segment, one fdatasync covers everything
 * that waits, and then the commits go into the index.
 */
import { type Log, MailError } from 'mailserver'
import type { Database } from '../engine/database.ts'
import { type Fed, IndexFeed } from '../engine/index-feed.ts'
import { isFull } from '../faults.ts'
import type { Layout } from '../layout.ts'
import type { SharedState, Slot } from '../shared-state.ts'
import { SEALED } from '../vault/vault.ts'
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
  readonly log: Log
}

/** What is to be committed, and who follows it on its way. */
export interface CommitOrder {
  readonly ops: readonly Op[]
  /** What is waited for: that it is seen, on disk or not yet (`logged`); or that it is on disk, seen or not yet. */
  readonly until: 'visible' | 'durable' | 'logged'
  /** Asked when nothing can come between any more: what it throws refuses the commit. */
  readonly check?: () => void
  /** Asked once it is on disk: does somebody else wait until it can be seen? */
  readonly isAwaited?: () => boolean
  /** It has its place in the log: what is placed later stands behind it. */
  readonly placed?: () => void
  /** Called once after `placed`: it can be seen, in the order of the places, or with the fault that it never will be. */
  readonly settled?: (fault?: Error) => void
}

/** What a power failure may take of relaxed commits. */
const RELAXED_SYNC_MS = 1_000
const NOTHING = Buffer.alloc(0)
const SEAL: CommitOrder = { ops: [], until: 'logged' }
/** Commits on disk that the index has not, beyond which nobody is told before it has: it must not fall behind for ever. */
const MAX_BEHIND = 1_000

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
    const stop = (cause: Error) => this.#stop(cause)
    this.#groups = new SyncGroups(options.shared, options.slot, options.files, stop)
    this.#feed = new IndexFeed(options.db, options.slot, stop)
  }

  /** Appends bytes of a message; they are in the file when it resolves. @throws MailError STORE_FULL, UNAVAILABLE */
  append(type: FrameType, payload: Buffer): Promise<Placed> {
    return this.#use((writer) => {
      this.#options.room.take(payload.length, 'message')
      return writer.append(type, payload)
    })
  }

  /**
   * Writes the ops, all or nothing; resolves as the order says.
   * @throws MailError STORE_FULL, UNAVAILABLE; what `check` throws
   */
  commit(order: CommitOrder): Promise<void> {
    return this.#use((writer) => this.#commitTo(writer, order))
  }

  /** Somebody waits until what is on its way can be seen. */
  hurry(): void {
    this.#feed.hurry()
  }

  /** Resolves when every commit of this thread can be seen, or has failed. */
  whenIdle(): Promise<void> {
    return this.#feed.whenIdle()
  }

  /** Seals the segment, so that it can be compacted; what comes next begins another. */
  async end(): Promise<void> {
    if (this.#isClosed || this.#options.shared.hasFailed || (this.#writer?.end ?? 0) === 0) return
    this.#rotating ??= this.#endSegment().finally(() => {
      this.#rotating = undefined
    })
    await this.#rotating
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
    } finally {
      await this.#feed.whenIdle()
      await writer.whenWritten()
      await this.#groups.whenIdle()
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

  /** Nobody may acknowledge anything any more. Whoever runs the server is told once, by the first who notices. */
  #stop(cause: Error): void {
    const { shared, log } = this.#options
    if (shared.hasFailed) return
    shared.fail()
    const what = isFull(cause) ? 'make room on the disk' : 'look at the disk'
    log.error(
      { err: cause },
      `the store takes nothing more until it is opened anew, and nothing acknowledged is lost: ${what}`,
    )
  }

  #check(): void {
    if (this.#isClosed) throw new MailError('UNAVAILABLE', 'the store is closed')
    if (this.#options.shared.hasFailed)
      throw new MailError('UNAVAILABLE', 'the store stopped after a fault of the disk')
    if (this.#feed.stalled !== undefined) throw this.#feed.stalled
  }

  async #commitTo(writer: SegmentWriter, order: CommitOrder): Promise<void> {
    const { room, shared, slot, durability } = this.#options
    const { ops, until } = order
    order.check?.()
    const dependencies = shared.unsyncedBeside(slot)
    const sequence = shared.takeSequence()
    const { vault } = this.#options.layout
    const commit = encodeCommit({ sequence, syncedEnd: slot.synced, dependencies, ops })
    const payload = vault === undefined ? commit : vault.seal(SEALED.commit, commit)
    const type = vault === undefined ? FRAME.commit : FRAME.sealedCommit
    if (payload.length > MAX_PAYLOAD_BYTES) {
      throw new MailError('TOO_LARGE', `a commit of ${payload.length} octets is more than one frame holds`)
    }
    room.take(payload.length, 'commit')
    this.#groups.dependOn(dependencies)
    const isDurable = durability === 'fsync' || (durability === 'group' && until !== 'logged')
    const fed = await this.#feedTo(writer, type, payload, { sequence, order, isDurable })
    if (!isDurable) this.#syncLater()
    else if (until === 'durable') {
      if (this.#feed.behind < MAX_BEHIND) return
      this.#feed.hurry()
    }
    await fed.visible.promise
  }

  /** Writes a frame that takes its turn into the index, and lets it go there once it may be seen. */
  async #feedTo(
    writer: SegmentWriter,
    type: FrameType,
    payload: Buffer,
    { sequence, order, isDurable }: { sequence: bigint; order: CommitOrder; isDurable: boolean },
  ): Promise<Fed> {
    const visible = Promise.withResolvers<void>()
    // Nobody may be waiting yet when it fails; whoever does still hears of it.
    visible.promise.catch(() => {})
    const { ops, settled } = order
    let fed: Fed | undefined
    const written = writer.append(type, payload, {
      placed: (place) => {
        fed = { place, sequence, ops, isSeal: type === FRAME.seal, state: 'pending', settled, visible }
        order.placed?.()
        this.#feed.add(fed)
      },
      takenBack: (fault) => this.#feed.takenBack(fed as Fed, fault),
    })
    const taken = fed as unknown as Fed
    await written
    if (isDurable) await this.#whenSynced(taken)
    else if (type !== FRAME.seal) this.#options.slot.relaxedEnd = taken.place.end
    this.#feed.ready(taken, !isDurable || order.until !== 'durable' || order.isAwaited?.())
    return taken
  }

  async #whenSynced(fed: Fed): Promise<void> {
    try {
      await this.#groups.whenSynced(fed.place.end)
    } catch (fault) {
      this.#feed.failFrom(fed, fault as Error)
      throw fault
    }
  }

  async #rotate(): Promise<void> {
    const { layout, shared } = this.#options
    await this.#endSegment()
    const writer = new SegmentWriter(layout, shared.takeSegment(), (cause) => this.#stop(cause))
    this.#groups.begin(writer)
    this.#writer = writer
  }

  /**
   * The old segment is on disk before a new one begins: what stands in the new never relies on what may be lost. It is in
   * the index as well, for should this thread end, the segment it writes is the only one that is looked at.
   */
  async #endSegment(): Promise<void> {
    const old = this.#writer
    if (old === undefined) return
    await (await this.#seal(old)).visible.promise
    // What still works on the file must not meet its successor: zeros that are written ahead would go to whatever gets its
    // descriptor, and a sync that ends later would vouch for what the new segment has at that offset.
    await old.whenWritten()
    clearTimeout(this.#relaxedTimer)
    this.#relaxedTimer = undefined
    await this.#groups.whenIdle()
    this.#writer = undefined
    old.close()
  }

  async #seal(writer: SegmentWriter): Promise<Fed> {
    if (writer.end > 0) {
      await writer.whenWritten()
      await this.#groups.whenSynced(writer.written)
    }
    return this.#feedTo(writer, FRAME.seal, NOTHING, { sequence: 0n, order: SEAL, isDurable: false })
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
