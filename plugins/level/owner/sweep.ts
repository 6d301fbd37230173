/**
 * Deletes segments that nobody needs any more: sealed, every message frame in it released, every commit in LevelDB's
 * synced tables. The file goes first and its keys after, with the directory synced in between: a file without its
 * position would be replayed from its beginning, over everything that came later.
 */
import { unlinkSync } from 'node:fs'
import type { Log } from 'mailserver'
import { type Database, flush } from '../engine/database.ts'
import { type Position, releasedOf, SWEPT } from '../engine/private-keys.ts'
import { type Layout, listSegments, segmentPath, syncDirectory } from '../layout.ts'
import { SegmentNews } from '../segments/segment-news.ts'
import type { SharedState } from '../shared-state.ts'
import { acceptDeletions, listDeletions, noteDeletions } from './deletions.ts'
import { forgetSegment, readPositions } from './recovery.ts'
import { takeSpare } from './spare-index.ts'

const MAX_DEAD = 1_000_000

export interface SweepParts {
  readonly layout: Layout
  readonly db: Database
  readonly log: Log
  readonly shared: SharedState
}

/** Sweeps unless another thread is at it, and says whether. Tells every thread what is gone. @param by index of its slot, or OWNER */
export async function sweepInTurn({ layout, db, log, shared }: SweepParts, by: number): Promise<boolean> {
  if (!shared.begins('sweep', by)) return false
  try {
    const deleted = await sweep(layout, db, log)
    if (deleted.length > 0) SegmentNews.tell(layout.root, { deleted })
    return true
  } finally {
    shared.ends('sweep', by)
  }
}

/** Returns the numbers of the segments it has deleted. */
async function sweep(layout: Layout, db: Database, log: Log): Promise<number[]> {
  await finishDeletions(layout, db)
  const positions = await readPositions(db)
  const dead: number[] = []
  for (const [segment, position] of positions) {
    if (position.isSealed && !isLast(segment, position, positions) && (await isDead(db, segment, position))) {
      dead.push(segment)
    }
  }
  if (dead.length === 0) return []
  await flush(db)
  // A flush tells nobody that it has failed; the next write does.
  await db.put(
    SWEPT,
    encodeSequence(dead.reduce((last, segment) => later(last, positions.get(segment)), sweptUpTo(db))),
  )
  await takeSpare(layout)
  noteDeletions(layout, dead)
  for (const segment of dead) removeFile(layout, segment)
  syncDirectory(layout.log)
  for (const segment of dead) await forgetSegment(db, segment)
  await acceptDeletions(layout, db)
  log.info({ segments: dead.length }, 'deleted segments in which nothing is needed any more')
  return dead
}

/** A thread that was ended in the middle of a sweep leaves keys of files that are gone. Nobody else sweeps meanwhile. */
export async function finishDeletions(layout: Layout, db: Database): Promise<void> {
  const gone = await missingSegments(layout, db)
  if (gone.length === 0) return
  const deleted = new Set(listDeletions(layout))
  for (const segment of gone) if (deleted.has(segment)) await forgetSegment(db, segment)
}

/** Segments that the index knows and that have no file. */
export async function missingSegments(layout: Layout, db: Database): Promise<number[]> {
  // In this order, so that none is missed that is made just now.
  const known = [...(await readPositions(db)).keys()]
  const existing = new Set(listSegments(layout))
  return known.filter((segment) => !existing.has(segment))
}

/**
 * The last commit of all segments that were deleted, by its sequence number; 0 when none was. What a commit up to it said may
 * have been overwritten by one that the log has no more.
 */
export function sweptUpTo(db: Database): bigint {
  const value = db.getSync(SWEPT)
  return value === undefined || value.length < 8 ? 0n : value.readBigUInt64LE()
}

function encodeSequence(sequence: bigint): Buffer {
  const value = Buffer.alloc(8)
  value.writeBigUInt64LE(sequence)
  return value
}

const later = (sequence: bigint, position: Position | undefined): bigint =>
  position !== undefined && position.sequence > sequence ? position.sequence : sequence

/** The highest segment and sequence number stay: numbering goes on behind them. */
function isLast(segment: number, { sequence }: Position, positions: ReadonlyMap<number, Position>): boolean {
  for (const [other, position] of positions) {
    if (other > segment && position.sequence > sequence) return false
  }
  return true
}

async function isDead(db: Database, segment: number, { tally }: Position): Promise<boolean> {
  if (tally.frames > MAX_DEAD) return false
  const released = await db.keys({ ...releasedOf(segment), limit: tally.frames }).all()
  return released.length >= tally.frames
}

function removeFile(layout: Layout, segment: number): void {
  try {
    unlinkSync(segmentPath(layout, segment))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
  }
}
