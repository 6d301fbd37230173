import { statSync } from 'node:fs'
import type { Database } from '../engine/database.ts'
import { ALL_RELEASED, type Position, segmentOfPlace } from '../engine/private-keys.ts'
import { type Layout, listSegments, segmentPath } from '../layout.ts'
import { readPositions } from '../owner/recovery.ts'

/** A segment as the index knows it. Octets throughout. */
export interface SegmentState {
  readonly segment: number
  /** Undefined while the index has heard nothing of it. */
  readonly position: Position | undefined
  readonly fileBytes: number
  /** Frames with message bytes that are not needed any more. */
  readonly releasedFrames: number
  readonly releasedBytes: number
  /** Message bytes that are still needed, their heads included. */
  readonly liveBytes: number
}

/** The segments that exist, oldest first. */
export async function readSegmentStates(layout: Layout, db: Database): Promise<SegmentState[]> {
  const positions = await readPositions(db)
  const released = await readReleased(db)
  const states: SegmentState[] = []
  for (const segment of listSegments(layout)) {
    const fileBytes = sizeOf(segmentPath(layout, segment))
    if (fileBytes === undefined) continue
    const position = positions.get(segment)
    const { frames, bytes } = released.get(segment) ?? { frames: 0, bytes: 0 }
    const liveBytes = Math.max(0, (position?.tally.bytes ?? fileBytes) - bytes)
    states.push({ segment, position, fileBytes, releasedFrames: frames, releasedBytes: bytes, liveBytes })
  }
  return states
}

async function readReleased(db: Database): Promise<Map<number, { frames: number; bytes: number }>> {
  const found = new Map<number, { frames: number; bytes: number }>()
  const iterator = db.iterator(ALL_RELEASED)
  try {
    for (let entries = await iterator.nextv(1_000); entries.length > 0; entries = await iterator.nextv(1_000)) {
      for (const [key, value] of entries) {
        const segment = segmentOfPlace(key)
        const sum = found.get(segment) ?? { frames: 0, bytes: 0 }
        found.set(segment, { frames: sum.frames + 1, bytes: sum.bytes + value.readUInt32LE() })
      }
    }
  } finally {
    await iterator.close()
  }
  return found
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size
}
