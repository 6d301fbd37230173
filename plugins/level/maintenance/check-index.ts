/**
 * Compares the index with the log: what the last commit says of a key must be what the index has. Most that is logged
 * was overwritten since, so a difference counts only when no later commit explains it; and as the store works on
 * meanwhile, a key that changes under the eyes of the check is left alone.
 */
import { crc32 } from 'node:zlib'
import type { CheckOptions, Damage } from 'mailserver'
import type { Database } from '../engine/database.ts'
import { PRIVATE } from '../engine/private-keys.ts'
import type { ScopeLocks } from '../engine/scope-locks.ts'
import type { Layout } from '../layout.ts'
import { sweptUpTo } from '../owner/sweep.ts'
import { decodeCommit, type Op } from '../segments/commit-frame.ts'
import { FRAME } from '../segments/frame.ts'
import type { SegmentLog } from '../segments/segment-log.ts'
import { scanSegment } from '../segments/segment-scan.ts'
import { inTurns } from './in-turns.ts'

interface Suspect {
  sequence: bigint
  /** Checksum of what the index had. */
  readonly seen: number
}

interface Extent {
  readonly segment: number
  readonly end: number
}

export interface CheckIndexParts {
  readonly layout: Layout
  readonly db: Database
  readonly locks: ScopeLocks
  /** This thread's own part of the log. */
  readonly segments: SegmentLog
}

/** Differences that are kept in mind at once: beyond it the check says so. */
const MAX_SUSPECTS = 500_000
const ABSENT = -1
/** Keys that one commit puts right: nobody else commits meanwhile. */
const REPAIR_KEYS = 1_000

/**
 * @param readExtents what of each segment is on disk now, and how far its commits are in the index
 * @param options.repair writes once more what the log says of a key that differs
 */
export async function* checkIndex(
  parts: CheckIndexParts,
  readExtents: () => Promise<readonly Extent[]>,
  { signal, repair }: Pick<CheckOptions, 'signal' | 'repair'>,
): AsyncGenerator<Damage> {
  const { layout, db } = parts
  const suspects = new Map<string, Suspect>()
  const swept = sweptUpTo(db)
  let isOverfull = false
  for await (const { op, sequence } of loggedOps(layout, await readExtents(), signal)) {
    // A later commit may have stood in a segment that was deleted.
    if (sequence <= swept) continue
    const seen = stateOf(db.getSync(op.key))
    const text = textOf(op.key)
    const known = suspects.get(text)
    if (seen !== stateOf(op.value)) {
      if (known === undefined && suspects.size >= MAX_SUSPECTS) isOverfull = true
      else if (known === undefined || known.sequence < sequence) suspects.set(text, { sequence, seen })
    } else if (known !== undefined && known.sequence < sequence) suspects.delete(text)
  }
  if (suspects.size > 0) {
    // What explains a difference may stand in a segment that was read before it, or was written since.
    for await (const { op, sequence } of loggedOps(layout, await readExtents(), signal)) {
      const text = textOf(op.key)
      const suspect = suspects.get(text)
      if (suspect === undefined) continue
      const now = stateOf(db.getSync(op.key))
      const isExplained = sequence > suspect.sequence && now === stateOf(op.value)
      if (isExplained || now !== suspect.seen) suspects.delete(text)
    }
  }
  const sweptMeanwhile = sweptUpTo(db)
  for (const [text, { sequence }] of suspects) if (sequence <= sweptMeanwhile) suspects.delete(text)
  const repaired = repair && suspects.size > 0 ? await repairKeys(parts, suspects, await readExtents(), signal) : NONE
  const file = layout.index
  for (const text of suspects.keys()) {
    const meaning = `the key ${JSON.stringify(text)} is not what the log says of it`
    yield { file, meaning, isRepaired: repaired.has(text) }
  }
  const more = 'more keys differ from the log than can be named: repair these, and check again'
  if (isOverfull) yield { file, meaning: more, isRepaired: false }
}

const NONE: ReadonlySet<string> = new Set()

/** @returns the keys that are now as the log says, or were changed by somebody else meanwhile */
async function repairKeys(
  parts: CheckIndexParts,
  suspects: ReadonlyMap<string, Suspect>,
  extents: readonly Extent[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const repaired = new Set<string>()
  let ops: Op[] = []
  const write = async () => {
    await writeAgain(parts, ops, suspects)
    for (const { key } of ops) repaired.add(textOf(key))
    ops = []
  }
  for await (const { op, sequence } of loggedOps(parts.layout, extents, signal)) {
    if (suspects.get(textOf(op.key))?.sequence !== sequence) continue
    ops.push(op)
    if (ops.length === REPAIR_KEYS) await write()
  }
  if (ops.length > 0) await write()
  return repaired
}

/** In every scope at once: whose a key is nobody here can tell, and no newer value may be written over. */
async function writeAgain(
  { db, locks, segments }: CheckIndexParts,
  ops: readonly Op[],
  suspects: ReadonlyMap<string, Suspect>,
): Promise<void> {
  const turn = await locks.acquireAll()
  try {
    // Of this thread some may have passed their scopes on with a commit that the index does not have yet.
    await segments.whenIdle()
    const wrong = ops.filter(({ key }) => stateOf(db.getSync(key)) === suspects.get(textOf(key))?.seen)
    if (wrong.length > 0) await segments.commit({ ops: wrong, until: 'visible' })
  } finally {
    turn.end()
  }
}

async function* loggedOps(
  layout: Layout,
  extents: readonly Extent[],
  signal: AbortSignal,
): AsyncGenerator<{ op: Op; sequence: bigint }> {
  for (const { segment, end } of extents) {
    for await (const found of inTurns(scanSegment(layout, segment, { from: 0, to: end, check: false }), signal)) {
      if (found.kind !== 'frame' || found.type !== FRAME.commit) continue
      const { ops, sequence } = decodeCommit(found.payload)
      for (const op of ops) if (op.key.compare(PRIVATE) < 0) yield { op, sequence }
    }
  }
}

const textOf = (key: Buffer): string => key.toString('latin1')

function stateOf(value: Buffer | undefined): number {
  return value === undefined ? ABSENT : crc32(value)
}
