/**
 * Compares the index with the log: what the last commit says of a key must be what the index has. Most that is logged
 * was overwritten since, so a difference counts only when no later commit explains it; and as the store works on
 * meanwhile, a key that changes under the eyes of the check is left alone.
 */
import { crc32 } from 'node:zlib'
import type { CheckOptions, Damage } from 'mailserver'
import type { Database } from '../engine/database.ts'
import { PRIVATE } from '../engine/private-keys.ts'
import type { Layout } from '../layout.ts'
import { sweptUpTo } from '../owner/sweep.ts'
import { decodeCommit, type Op } from '../segments/commit-frame.ts'
import { FRAME } from '../segments/frame.ts'
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

/** Differences that are kept in mind at once: beyond it the check says so. */
const MAX_SUSPECTS = 500_000
const ABSENT = -1

/**
 * @param readExtents what of each segment is on disk now, and how far its commits are in the index
 */
export async function* checkIndex(
  { layout, db }: { readonly layout: Layout; readonly db: Database },
  readExtents: () => Promise<readonly Extent[]>,
  { signal }: Pick<CheckOptions, 'signal'>,
): AsyncGenerator<Damage> {
  const suspects = new Map<string, Suspect>()
  const swept = sweptUpTo(db)
  let isOverfull = false
  for await (const { op, sequence } of loggedOps(layout, await readExtents(), signal)) {
    // A later commit may have stood in a segment that was deleted.
    if (sequence <= swept) continue
    const seen = stateOf(db.getSync(op.key))
    const text = op.key.toString('latin1')
    const known = suspects.get(text)
    if (seen !== stateOf(op.value)) {
      if (known === undefined && suspects.size >= MAX_SUSPECTS) isOverfull = true
      else if (known === undefined || known.sequence < sequence) suspects.set(text, { sequence, seen })
    } else if (known !== undefined && known.sequence < sequence) suspects.delete(text)
  }
  if (suspects.size > 0) {
    // What explains a difference may stand in a segment that was read before it, or was written since.
    for await (const { op, sequence } of loggedOps(layout, await readExtents(), signal)) {
      const text = op.key.toString('latin1')
      const suspect = suspects.get(text)
      if (suspect === undefined) continue
      const now = stateOf(db.getSync(op.key))
      const isExplained = sequence > suspect.sequence && now === stateOf(op.value)
      if (isExplained || now !== suspect.seen) suspects.delete(text)
    }
  }
  const file = layout.index
  const cure = 'stop the server and move the index away: the next start makes it anew'
  const sweptMeanwhile = sweptUpTo(db)
  for (const [text, { sequence }] of suspects) {
    if (sequence <= sweptMeanwhile) continue
    const meaning = `the key ${JSON.stringify(text)} is not what the log says of it; ${cure}`
    yield { file, meaning, isRepaired: false }
  }
  if (isOverfull) yield { file, meaning: `more keys differ from the log than can be named; ${cure}`, isRepaired: false }
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

function stateOf(value: Buffer | undefined): number {
  return value === undefined ? ABSENT : crc32(value)
}
