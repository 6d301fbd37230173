import type { Database } from '../engine/database.ts'
import { readValue } from '../engine/index-reader.ts'
import { movedKey } from '../engine/private-keys.ts'
import type { Op } from '../segments/commit-frame.ts'
import type { Place } from '../segments/frame.ts'
import type { StoredFrame } from './stored-frame.ts'

/** Where a frame was moved to. It is looked up only once the segment it was written to is gone. */
export interface Forward extends Place {
  /** Octets of the payload there. */
  readonly stored: number
}

const FORWARD_BYTES = 16

/** Writes, or with undefined takes away, the word of where the frame is that was first written at `origin`. */
export function forwardOp(origin: Place, to: Forward | undefined): Op {
  const key = movedKey(origin.segment, origin.offset)
  if (to === undefined) return { key, value: undefined }
  const value = Buffer.allocUnsafe(FORWARD_BYTES)
  value.writeUInt32LE(to.segment, 0)
  value.writeBigUInt64LE(BigInt(to.offset), 4)
  value.writeUInt32LE(to.stored, 12)
  return { key, value }
}

/** Where the frame is that was first written at `origin`; undefined when it was not moved. */
export function forwardOf(db: Database, origin: Place): Forward | undefined {
  const value = readValue(db, movedKey(origin.segment, origin.offset))
  if (value === undefined) return undefined
  return {
    segment: value.readUInt32LE(0),
    offset: Number(value.readBigUInt64LE(4)),
    stored: value.readUInt32LE(12),
  }
}

/** The same frame where it is now; undefined when it was not moved. */
export function moved<F extends StoredFrame>(db: Database, frame: F): F | undefined {
  const forward = forwardOf(db, frame)
  return forward && { ...frame, ...forward }
}
