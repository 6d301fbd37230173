/**
 * Brings the index up to the log after a stop of any kind. Every segment that the index does not know to be sealed and
 * applied is read from the position the index has of it; its torn end is cut off, it is synced and sealed; then the
 * commits that the index has not are applied, of all segments, in the order of their sequence numbers.
 *
 * Stopped in the middle, it begins again with the same commits in the same order, and comes to the same end: positions
 * move in one batch after all of them.
 */
import type { Log } from 'mailserver'
import { type Database, flush } from '../engine/database.ts'
import { operation } from '../engine/index-feed.ts'
import {
  compressedKey,
  decodePosition,
  encodePosition,
  POSITIONS,
  type Position,
  positionKey,
  releasedOf,
  segmentOfPlace,
} from '../engine/private-keys.ts'
import { type Layout, listSegments, segmentPath } from '../layout.ts'
import { commitsOf, type LoggedCommit, type Survey, sealSegment, surveySegment } from '../segments/segment-survey.ts'
import { acceptDeletions, reviewDeletions } from './deletions.ts'

export interface Recovered {
  readonly nextSequence: bigint
  readonly nextSegment: number
  /** Commits that were in the log and not in the index. */
  readonly replayed: number
  /** The store was closed by whoever had it open before. */
  readonly wasClosed: boolean
  /** Nothing is known to be missing: neither segments, nor parts of them. */
  readonly isWhole: boolean
}

const BATCH_OPS = 5_000
const UNKNOWN: Position = { sequence: 0n, end: 0, tally: { frames: 0, bytes: 0 }, synced: 0, isSealed: false }

/** Damage is logged with file and offset, and everything else is brought back. */
export async function recover(layout: Layout, db: Database, log: Log): Promise<Recovered> {
  const positions = await readPositions(db)
  const segments = listSegments(layout)
  const deleted = reviewDeletions(layout, db, positions, log).filter((segment) => !segments.includes(segment))
  const isMissing = [...deleted, ...positions.keys()].some((segment) => {
    return positions.get(segment)?.isSealed !== true && !segments.includes(segment)
  })
  for (const segment of deleted) await forgetSegment(db, segment)
  await acceptDeletions(layout, db)
  for (const [segment, { isSealed }] of positions) {
    if (segments.includes(segment) || deleted.includes(segment)) continue
    const file = segmentPath(layout, segment)
    if (!isSealed) log.error({ file }, 'a segment is missing: what stood there is lost, everything else is kept')
  }
  const open = segments.filter((segment) => positions.get(segment)?.isSealed !== true)
  const { replayed, damages } = await bringUp(layout, db, log, open, positions)
  if (replayed > 0) await flush(db)
  const known = await readPositions(db)
  const nextSequence = [...known.values()].reduce((last, { sequence }) => (sequence > last ? sequence : last), 0n) + 1n
  const nextSegment = Math.max(-1, ...segments, ...known.keys()) + 1
  return { nextSequence, nextSegment, replayed, wasClosed: open.length === 0, isWhole: !isMissing && damages === 0 }
}

/** Seals these segments and applies what the index has not of them. Returns the number of commits and of damages. */
export async function bringUp(
  layout: Layout,
  db: Database,
  log: Log,
  segments: readonly number[],
  positions: ReadonlyMap<number, Position>,
): Promise<{ replayed: number; damages: number }> {
  const surveys = withoutDependents(
    layout,
    segments.map((segment) => surveySegment(layout, segment, positions.get(segment) ?? UNKNOWN)),
  )
  for (const survey of surveys) {
    const file = segmentPath(layout, survey.segment)
    for (const { offset, end } of survey.damages) {
      log.error({ file, offset, end }, 'damage in the log: what stood there is lost, everything else is kept')
    }
    sealSegment(layout, survey)
  }
  const replayed = await replay(layout, db, surveys)
  const sealed = surveys.filter(({ end }) => end > 0)
  await db.batch(
    sealed.map(({ segment, reached }) => ({
      type: 'put',
      key: positionKey(segment),
      value: encodePosition(reached),
    })),
  )
  return { replayed, damages: surveys.reduce((sum, { damages }) => sum + damages.length, 0) }
}

/** Takes the keys of a segment whose file is gone out of the index. */
export async function forgetSegment(db: Database, segment: number): Promise<void> {
  await db.clear(releasedOf(segment))
  await db.del(compressedKey(segment))
  await db.del(positionKey(segment))
}

export async function readPositions(db: Database): Promise<Map<number, Position>> {
  const entries = await db.iterator(POSITIONS).all()
  return new Map(entries.map(([key, value]) => [segmentOfPlace(key), decodePosition(value)]))
}

/**
 * A commit that stands on one of another segment which did not reach the disk was never acknowledged: it goes, and so
 * does everything after it. What a commit stands on has a lower sequence number, so one pass in that order finds all.
 */
function withoutDependents(layout: Layout, surveys: readonly Survey[]): Survey[] {
  const ends = new Map(surveys.map(({ segment, end }) => [segment, end]))
  const dependent = surveys
    .flatMap(({ segment, dependent }) => dependent.map((commit) => ({ segment, ...commit })))
    .sort((a, b) => (a.sequence < b.sequence ? -1 : 1))
  for (const { segment, offset, dependencies } of dependent) {
    // A segment that is not among these is sealed, applied to its end, or deleted after that: nothing of it is missing.
    const isMissing = dependencies.some((on) => on.end > (ends.get(on.segment) ?? Number.POSITIVE_INFINITY))
    if (isMissing) ends.set(segment, Math.min(ends.get(segment) as number, offset))
  }
  return surveys.map((survey) => {
    const end = ends.get(survey.segment) as number
    return end < survey.end ? surveySegment(layout, survey.segment, survey.from, end) : survey
  })
}

interface Source {
  next: LoggedCommit
  readonly rest: Iterator<LoggedCommit>
}

async function replay(layout: Layout, db: Database, surveys: readonly Survey[]): Promise<number> {
  const later = surveys
    .filter((survey) => survey.firstSequence !== undefined)
    .sort((a, b) => ((a.firstSequence as bigint) < (b.firstSequence as bigint) ? -1 : 1))
  const sources: Source[] = []
  let ops: ReturnType<typeof operation>[] = []
  let count = 0
  for (;;) {
    // A segment is opened when its first commit may be due, so that few are open however many there are.
    for (let first = later[0]; first !== undefined && isDue(first, sources); first = later[0]) {
      later.shift()
      advance(sources, commitsOf(layout, first))
    }
    const source = lowest(sources)
    if (source === undefined) break
    ops.push(...source.next.ops.map(operation))
    count += 1
    sources.splice(sources.indexOf(source), 1)
    advance(sources, source.rest)
    if (ops.length >= BATCH_OPS) {
      await db.batch(ops)
      ops = []
    }
  }
  if (ops.length > 0) await db.batch(ops)
  return count
}

function advance(sources: Source[], rest: Iterator<LoggedCommit>): void {
  const { value, done } = rest.next()
  if (done !== true) sources.push({ next: value, rest })
}

function lowest(sources: readonly Source[]): Source | undefined {
  return sources.reduce<Source | undefined>(
    (low, each) => (low === undefined || each.next.sequence < low.next.sequence ? each : low),
    undefined,
  )
}

function isDue(survey: Survey, sources: readonly Source[]): boolean {
  const low = lowest(sources)
  return low === undefined || (survey.firstSequence as bigint) <= low.next.sequence
}
