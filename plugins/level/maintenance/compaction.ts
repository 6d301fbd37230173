import { setTimeout as sleep } from 'node:timers/promises'
import type { Compacted, Log, LongWork } from 'mailserver'
import { MailError } from 'mailserver'
import type { Releases } from '../blobs/releases.ts'
import { isBlobFrame } from '../blobs/wrapping.ts'
import type { Database } from '../engine/database.ts'
import { COMPRESSED, offsetOfPlace, releasedOf, segmentOfPlace } from '../engine/private-keys.ts'
import { LAYOUT_VERSION, type Layout, listSegments, segmentPath } from '../layout.ts'
import { readAudit } from '../owner/audit.ts'
import { sweepInTurn } from '../owner/sweep.ts'
import { FRAME } from '../segments/frame.ts'
import type { SegmentLog } from '../segments/segment-log.ts'
import type { SharedState, Slot } from '../shared-state.ts'
import { readVersion, type Version, writeVersion } from '../version-file.ts'
import { type Aim, candidates } from './candidates.ts'
import { inTurns } from './in-turns.ts'
import { messageFrames } from './message-frames.ts'
import { Mover } from './mover.ts'
import { readSegmentStates, type SegmentState } from './segment-states.ts'

export interface CompactionParts {
  readonly layout: Layout
  readonly db: Database
  readonly shared: SharedState
  readonly slot: Slot
  readonly releases: Releases
  readonly log: Log
  readonly compression: 'none' | 'zstd'
  /** A log beside this thread's own, for what is moved: a sync of it makes nobody else wait. */
  readonly openLog: () => { readonly segments: SegmentLog; close(): Promise<void> }
}

export interface Effort {
  readonly liveBelow: number
  readonly restedMs: number
  /** Octets a second that are written at most. */
  readonly bytesPerSecond: number
}

/** Somebody waits for it: everything that pays, at full speed. */
export const ON_DEMAND: Effort = { liveBelow: 0.9, restedMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY }
/** On the side: what has come to rest and is mostly dead, slowly. */
export const ON_THE_SIDE: Effort = { liveBelow: 0.4, restedMs: 3_600_000, bytesPerSecond: 8 * 1024 * 1024 }

const MAX_PAUSE_MS = 1_000
const SWEEP_TRIES = 50

/** Gives back the room of what is dead in the log. @throws MailError IN_USE when another thread is at it, STORE_FULL */
export async function compact(parts: CompactionParts, effort: Effort, work: LongWork): Promise<Compacted> {
  work.signal.throwIfAborted()
  const { layout, db, shared, slot } = parts
  if (!shared.begins('compact', slot.index)) throw new MailError('IN_USE', 'a compaction of this store runs already')
  try {
    const before = await logBytes(parts)
    await sweepNow(parts)
    const version = readVersion(layout.root, LAYOUT_VERSION) as Version
    const aim: Aim = {
      ...effort,
      sealedSince: layout.vault === undefined ? 0 : (version.keys[0]?.since ?? 0),
      uncompressed: parts.compression === 'zstd',
    }
    const audit = await readAudit(db)
    const isBusy = (segment: number) => audit !== undefined && segment >= audit.from && segment < audit.to
    const formed = await compressedSegments(db)
    const worth = candidates(layout, await readSegmentStates(layout, db), aim, { formed, isBusy, now: Date.now() })
    const { movedBytes, movedBlobs } = worth.length === 0 ? NOTHING : await moveAll(parts, worth, { aim, effort, work })
    await sweepNow(parts)
    await retireKeys(parts, version)
    return { freedBytes: Math.max(0, before - (await logBytes(parts))), movedBytes, movedBlobs }
  } finally {
    shared.ends('compact', slot.index)
  }
}

const NOTHING = { movedBytes: 0, movedBlobs: 0 }

async function moveAll(
  parts: CompactionParts,
  worth: readonly SegmentState[],
  { aim, effort, work }: { aim: Aim; effort: Effort; work: LongWork },
): Promise<{ movedBytes: number; movedBlobs: number }> {
  const { layout, db, releases, compression, log } = parts
  const opened = parts.openLog()
  const mover = new Mover({ layout, db, releases, compression, sealedSince: aim.sealedSince }, opened.segments)
  const total = worth.reduce((sum, { fileBytes }) => sum + fileBytes, 0)
  let done = 0
  try {
    for (const state of worth) {
      work.signal.throwIfAborted()
      await moveSegment(parts, state, mover, { ...work, bytesPerSecond: effort.bytesPerSecond })
      done += state.fileBytes
      work.onProgress?.({ done, total, unit: 'octets' })
    }
  } catch (err) {
    // What was moved before stays moved.
    if (!work.signal.aborted) throw err
    log.info({ path: layout.root }, 'a compaction of the store was stopped')
  } finally {
    await opened.close()
  }
  return { movedBytes: mover.movedBytes, movedBlobs: mover.movedBlobs }
}

async function moveSegment(
  { layout, db, log }: CompactionParts,
  { segment, position }: SegmentState,
  mover: Mover,
  { signal, bytesPerSecond }: { signal: AbortSignal; bytesPerSecond: number },
): Promise<void> {
  const dead = new Set((await db.keys(releasedOf(segment)).all()).map(offsetOfPlace))
  const payloads = [FRAME.blob, FRAME.chunk, FRAME.manifest].filter(isBlobFrame)
  const scan = messageFrames(layout, segment, { to: position?.end ?? 0, check: true, payloads })
  for await (const found of inTurns(scan, signal)) {
    if (found.kind === 'damage' && !dead.has(found.offset)) {
      const file = segmentPath(layout, segment)
      log.error({ file, offset: found.offset }, 'damage in the log: this segment stays as it is')
      break
    }
    if (found.kind !== 'message' || dead.has(found.at.offset)) continue
    const written = await mover.add(found)
    if (written > 0) await pause((1_000 * written) / bytesPerSecond, signal)
  }
  await mover.flush()
}

/** The sweep of another thread may be under way with what it saw before. */
async function sweepNow(parts: CompactionParts): Promise<void> {
  for (let tries = 0; tries < SWEEP_TRIES; tries++) {
    if (await sweepInTurn(parts, parts.slot.index)) return
    await sleep(100)
  }
}

/** A key is needed for as long as there is a segment from its time. */
async function retireKeys({ layout, log }: CompactionParts, version: Version): Promise<void> {
  const [current, ...former] = version.keys
  if (current === undefined || former.length === 0) return
  if (listSegments(layout).some((segment) => segment < current.since)) return
  writeVersion(layout.root, { ...version, keys: [current] })
  for (const { fingerprint } of former) log.info({ key: fingerprint }, 'nothing in the store needs this key any more')
}

async function compressedSegments(db: Database): Promise<Set<number>> {
  return new Set((await db.keys(COMPRESSED).all()).map(segmentOfPlace))
}

async function logBytes({ layout, db }: CompactionParts): Promise<number> {
  return (await readSegmentStates(layout, db)).reduce((sum, { fileBytes }) => sum + fileBytes, 0)
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms >= 1) await sleep(Math.min(ms, MAX_PAUSE_MS), undefined, { signal })
}
