/**
 * Keys of the store's own, above every key that the server may use, in the same LevelDB: what they say changes in one
 * batch with what they speak about.
 */
import type { Key } from 'mailserver'
import type { Tally } from '../segments/segment-writer.ts'

/** The server's keys all sort before this. */
export const PRIVATE = Buffer.alloc(8, 0xff)

const POSITION = 0x70
const RELEASED = 0x72
const LEASE = 0x6c
const DELETION = 0x64
const SWEEP = 0x73
const MOVED = 0x6d
const COMPRESSED_TAG = 0x7a
const POSITION_BYTES = 41

/** How far the commits of a segment have reached the index: exactly those up to `end`. */
export interface Position {
  /** Of the last commit before `end`; 0 when there was none. */
  readonly sequence: bigint
  readonly end: number
  readonly tally: Tally
  /** Octets of the segment that were on disk when this was written. */
  readonly synced: number
  /** Nothing will be added to the segment. */
  readonly isSealed: boolean
}

export function positionKey(segment: number): Key {
  return segmentKey(POSITION, segment)
}

export const POSITIONS = { gte: tagged(POSITION), lt: tagged(POSITION + 1) }
/** Up to where the commits of deleted segments reached. Writing it also tells whether LevelDB still can write. */
export const SWEPT = tagged(SWEEP)
/** How many lines of the list of deletions the index has taken note of. Every index that was opened has it. */
export const DELETIONS = tagged(DELETION)
/** Fingerprint of the key that the values are sealed with; itself it is not. */
export const INDEX_KEY = tagged(0x6b)
/** The first segment of this run of the process; 4 octets. */
export const RUN = tagged(0x6e)
/** A worker of this run ended without closing what it wrote. */
export const UNCLEAN = tagged(0x75)
/** Segments in which a crash may have left messages that nobody needs: 4 octets first, 4 octets behind the last. */
export const AUDIT = tagged(0x61)
export const LEASES = { gte: tagged(LEASE), lt: tagged(LEASE + 1) }

export function encodePosition({ sequence, end, tally, synced, isSealed }: Position): Buffer {
  const bytes = Buffer.allocUnsafe(POSITION_BYTES)
  bytes.writeBigUInt64LE(sequence, 0)
  bytes.writeBigUInt64LE(BigInt(end), 8)
  bytes.writeBigUInt64LE(BigInt(tally.frames), 16)
  bytes.writeBigUInt64LE(BigInt(tally.bytes), 24)
  bytes.writeBigUInt64LE(BigInt(synced), 32)
  bytes[40] = isSealed ? 1 : 0
  return bytes
}

export function decodePosition(bytes: Buffer): Position {
  return {
    sequence: bytes.readBigUInt64LE(0),
    end: Number(bytes.readBigUInt64LE(8)),
    tally: { frames: Number(bytes.readBigUInt64LE(16)), bytes: Number(bytes.readBigUInt64LE(24)) },
    synced: Number(bytes.readBigUInt64LE(32)),
    isSealed: bytes[40] === 1,
  }
}

/** Where a frame is that was first written at this place. */
export function movedKey(segment: number, offset: number): Key {
  return placeKey(MOVED, segment, offset)
}

/** Marks a frame as dead. The value is its size. */
export function releasedKey(segment: number, offset: number): Key {
  return placeKey(RELEASED, segment, offset)
}

/** The dead frames of one segment. */
export function releasedOf(segment: number): { gte: Key; lte: Key } {
  return { gte: releasedKey(segment, 0), lte: releasedKey(segment, Number.MAX_SAFE_INTEGER) }
}

/** The dead frames of all segments. */
export const ALL_RELEASED = { gte: tagged(RELEASED), lt: tagged(RELEASED + 1) }

/** Of a key of a frame, or of a segment. */
export function segmentOfPlace(key: Key): number {
  return key.readUInt32BE(PRIVATE.length + 1)
}

export function offsetOfPlace(key: Key): number {
  return Number(key.readBigUInt64BE(PRIVATE.length + 5))
}

/** Segments that a compaction wrote while it was to compress. */
export const COMPRESSED = { gte: tagged(COMPRESSED_TAG), lt: tagged(COMPRESSED_TAG + 1) }

export function compressedKey(segment: number): Key {
  return segmentKey(COMPRESSED_TAG, segment)
}

export function leaseKey(name: string): Key {
  return Buffer.concat([tagged(LEASE), Buffer.from(name)])
}

function segmentKey(tag: number, segment: number): Key {
  const key = Buffer.allocUnsafe(PRIVATE.length + 5)
  PRIVATE.copy(key)
  key[PRIVATE.length] = tag
  key.writeUInt32BE(segment, PRIVATE.length + 1)
  return key
}

function placeKey(tag: number, segment: number, offset: number): Key {
  const key = Buffer.allocUnsafe(PRIVATE.length + 13)
  PRIVATE.copy(key)
  key[PRIVATE.length] = tag
  key.writeUInt32BE(segment, PRIVATE.length + 1)
  key.writeBigUInt64BE(BigInt(offset), PRIVATE.length + 5)
  return key
}

function tagged(tag: number): Buffer {
  return Buffer.concat([PRIVATE, Buffer.from([tag])])
}
