import type { Clock, Log } from 'mailserver'
import { FrameReads } from './blobs/frame-reads.ts'
import { FrameWrites } from './blobs/frame-writes.ts'
import { Releases } from './blobs/releases.ts'
import { SegmentBlobStore } from './blobs/segment-blob-store.ts'
import { Bus } from './engine/bus.ts'
import { type Database, openDatabase } from './engine/database.ts'
import { Leases } from './engine/leases.ts'
import { LevelEngine } from './engine/level-engine.ts'
import { ScopeLocks } from './engine/scope-locks.ts'
import { layoutOf } from './layout.ts'
import { LevelMaintenance } from './maintenance/level-maintenance.ts'
import { Room } from './segments/room.ts'
import { SegmentFiles } from './segments/segment-files.ts'
import { SegmentLog } from './segments/segment-log.ts'
import { SegmentNews } from './segments/segment-news.ts'
import { type SharedBuffers, SharedState } from './shared-state.ts'
import type { StoreOptions } from './store-options.ts'

export interface LevelStore {
  readonly engine: LevelEngine
  readonly blobStore: SegmentBlobStore
  readonly maintenance: LevelMaintenance
  /** Waits for what is on its way, and gives back what this thread holds. */
  close(): Promise<void>
}

/**
 * One thread's way into a store that an owner in the same process has opened.
 * @param options.buffers of the owner's SharedState
 */
export async function joinStore(
  root: string,
  options: StoreOptions & {
    readonly buffers: SharedBuffers
    readonly worker: number
    readonly clock: Clock
    readonly log: Log
    readonly onCommit: (seconds: number) => void
  },
): Promise<LevelStore> {
  const { log, clock, durability, segmentBytes, onCommit } = options
  const layout = layoutOf(root, options.ring)
  const shared = new SharedState(options.buffers)
  const slot = shared.claim(options.worker)
  let db: Database
  try {
    db = await openDatabase(layout, options, (work) => slot.uncut(work))
  } catch (err) {
    slot.free()
    throw err
  }
  const locks = new ScopeLocks(shared.locks, slot.index + 1)
  const lock = new ScopeLocks(shared.frameLock, slot.index + 1)
  const files = new SegmentFiles(layout)
  const room = new Room(layout.log, options.reserveBytes)
  const segments = new SegmentLog({ layout, db, shared, slot, files, room, segmentBytes, durability, log })
  const news = new SegmentNews(root, {
    deleted: (segment) => files.forget(segment),
    // A fault of the disk is heard of by the next who writes.
    end: () => void segments.end().catch(() => {}),
  })
  /** For what a compaction moves: it waits for the disk in every mode, and may use what is kept for commits. */
  const openLog = () => {
    const own = shared.claim(options.worker)
    const small = new Room(layout.log, options.reserveBytes / 2)
    const beside = new SegmentLog({
      layout,
      db,
      shared,
      slot: own,
      files,
      room: small,
      segmentBytes,
      durability: 'group',
      log,
    })
    const close = async () => {
      await beside.close()
      own.free()
    }
    return { segments: beside, close }
  }
  const bus = new Bus(`mailserver:${root}`, shared.watchers, log)
  const leases = new Leases({ db, locks, clock, log })
  const { vault } = layout
  const reads = new FrameReads({ layout, files, db, vault })
  const writes = new FrameWrites(segments, vault)
  const releases = new Releases({ layout, db, segments, lock })
  const maintenance = new LevelMaintenance({
    layout,
    db,
    shared,
    slot,
    segments,
    locks,
    releases,
    log,
    compression: options.compression,
    openLog,
  })
  return {
    engine: new LevelEngine({ db, segments, locks, bus, leases, log, onCommit }),
    blobStore: new SegmentBlobStore({ reads, writes, releases, files, shared, slot }),
    maintenance,
    async close() {
      bus.close()
      news.close()
      try {
        await maintenance.close()
        await leases.close().finally(() => segments.close())
      } finally {
        locks.close()
        lock.close()
        files.close()
        await db.close()
        slot.free()
      }
    },
  }
}
