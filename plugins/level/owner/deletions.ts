/**
 * A list, beside the segments, of those that were deleted. An index from an older copy catches up from the log; this
 * tells it when a segment it would have needed is gone, so that nothing is missing without a word.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from 'mailserver'
import type { Database } from '../engine/database.ts'
import { DELETIONS, type Position } from '../engine/private-keys.ts'
import { FILE_MODE, type Layout, segmentPath } from '../layout.ts'

const pathOf = (layout: Layout) => join(layout.log, 'DELETED')

/** Notes the segments before their files go. */
export function noteDeletions(layout: Layout, segments: readonly number[]): void {
  const lines = segments.map((segment) => `${segment}\n`).join('')
  appendFileSync(pathOf(layout), lines, { mode: FILE_MODE, flush: true })
}

/** The index has let go of everything on the list. */
export async function acceptDeletions(layout: Layout, db: Database): Promise<void> {
  const count = Buffer.alloc(4)
  count.writeUInt32LE(listDeletions(layout).length)
  await db.put(DELETIONS, count)
}

/**
 * Looks at what was deleted since this index was last told. Returns the segments it must let go of.
 * @param positions what the index knows of the segments
 */
export function reviewDeletions(
  layout: Layout,
  db: Database,
  positions: ReadonlyMap<number, Position>,
  log: Log,
): number[] {
  const known = db.getSync(DELETIONS)?.readUInt32LE() ?? 0
  const since = listDeletions(layout).slice(known)
  for (const segment of since) {
    if (positions.get(segment)?.isSealed === true) continue
    const file = segmentPath(layout, segment)
    log.error({ file }, 'the index is older than a segment that was deleted since: commits of that segment are missing')
  }
  return since
}

/** The segments that were deleted, oldest first. */
export function listDeletions(layout: Layout): number[] {
  try {
    // A last line without its end was cut short by a crash, and its segment is still there.
    return readFileSync(pathOf(layout), 'latin1').split('\n').slice(0, -1).map(Number)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw cause
  }
}
