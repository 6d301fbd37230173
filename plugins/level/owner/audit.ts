/**
 * Which segments may hold messages that a crash left unfinished, or finished and needed by nobody. All that a run of
 * the process had under way when it ended stands in segments of that run, and whoever was to need it is gone with it.
 */
import type { Database } from '../engine/database.ts'
import { AUDIT, RUN, UNCLEAN } from '../engine/private-keys.ts'
import type { Recovered } from './recovery.ts'

/** Segments to look at. */
export interface Audit {
  readonly from: number
  /** One past the last. */
  readonly to: number
}

export async function readAudit(db: Database): Promise<Audit | undefined> {
  const value = await db.get(AUDIT)
  return value && { from: value.readUInt32LE(0), to: value.readUInt32LE(4) }
}

/** A new run begins: notes what the last one may have left. Where commits are lost nothing is taken for unneeded. */
export async function beginRun(db: Database, { nextSegment, wasClosed, isWhole }: Recovered): Promise<void> {
  const last = await db.get(RUN)
  const isUnclean = !wasClosed || (await db.get(UNCLEAN)) !== undefined
  const pending = await readAudit(db)
  const batch = db.batch().put(RUN, u32(nextSegment)).del(UNCLEAN)
  if (!isWhole || last === undefined) batch.del(AUDIT)
  else if (isUnclean) batch.put(AUDIT, u32(pending?.from ?? last.readUInt32LE(), nextSegment))
  await batch.write()
}

export async function noteUnclean(db: Database): Promise<void> {
  await db.put(UNCLEAN, Buffer.alloc(0))
}

function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length)
  for (const [at, value] of values.entries()) bytes.writeUInt32LE(value, 4 * at)
  return bytes
}
