/**
 * The frame around everything in a segment: 8 octets marker, 1 type, 3 zero, 4 length of the payload, 4 checksum of the
 * head, then one checksum for each 32 KB block of the payload, then the payload.
 *
 * The marker is random and the store's own. Who sends a message does not know it, so no message can hold bytes that pass
 * for a frame when a damaged log is searched for the next one. The head's checksum also covers the segment's number and
 * the frame's offset: bytes left over from another place never pass either. Checksums by block let a part be read and
 * proven without the rest.
 */
import { crc32 } from 'node:zlib'

export const FRAME = { blob: 1, chunk: 2, manifest: 3, commit: 4, seal: 5, wrapped: 6, sealedCommit: 7 } as const
export type FrameType = (typeof FRAME)[keyof typeof FRAME]

/** Where a frame begins. */
export interface Place {
  readonly segment: number
  readonly offset: number
}

export interface FrameHead {
  readonly type: FrameType
  /** Octets of the payload. */
  readonly length: number
  /** Octets before the payload. */
  readonly headSize: number
  readonly checksums: readonly number[]
}

export const BLOCK_BYTES = 32 * 1024
export const MARKER_BYTES = 8
/** The head without its block checksums. */
export const FIXED_HEAD_BYTES = 20
/** Beyond any commit that is taken; a longer length is damage, whatever its checksum says. */
export const MAX_PAYLOAD_BYTES = 256 * 1024 * 1024

const TYPE_AT = 8
const LENGTH_AT = 12
const CHECKSUM_AT = 16
const LAST_TYPE = FRAME.sealedCommit

/** Is it a frame with message bytes? */
export function isMessageFrame(type: FrameType): boolean {
  return type !== FRAME.commit && type !== FRAME.sealedCommit && type !== FRAME.seal
}

/** Octets before the payload of a frame with `length` octets of payload. */
export function headBytes(length: number): number {
  return FIXED_HEAD_BYTES + 4 * Math.ceil(length / BLOCK_BYTES)
}

/** Octets of the whole frame. */
export function frameBytes(length: number): number {
  return headBytes(length) + length
}

/** The head that makes a frame of `payload` at `place`. */
export function encodeHead(marker: Buffer, place: Place, type: FrameType, payload: Buffer): Buffer {
  const head = Buffer.allocUnsafe(headBytes(payload.length))
  marker.copy(head)
  head.writeUInt32LE(type, TYPE_AT)
  head.writeUInt32LE(payload.length, LENGTH_AT)
  for (let at = 0, slot = FIXED_HEAD_BYTES; at < payload.length; at += BLOCK_BYTES, slot += 4) {
    head.writeUInt32LE(crc32(payload.subarray(at, at + BLOCK_BYTES)), slot)
  }
  head.writeUInt32LE(headChecksum(place, head, head.length), CHECKSUM_AT)
  return head
}

/** Octets that `decodeHead` needs, judged by the fixed part; undefined when this is no frame. */
export function headBytesOf(marker: Buffer, fixed: Buffer): number | undefined {
  if (fixed.length < FIXED_HEAD_BYTES || !beginsWith(fixed, marker)) return undefined
  const type = fixed.readUInt32LE(TYPE_AT)
  const length = fixed.readUInt32LE(LENGTH_AT)
  return type < 1 || type > LAST_TYPE || length > MAX_PAYLOAD_BYTES ? undefined : headBytes(length)
}

/** Reads a head; undefined when it is damaged or belongs to another place. */
export function decodeHead(marker: Buffer, place: Place, bytes: Buffer): FrameHead | undefined {
  const size = headBytesOf(marker, bytes)
  if (size === undefined || bytes.length < size) return undefined
  if (bytes.readUInt32LE(CHECKSUM_AT) !== headChecksum(place, bytes, size)) return undefined
  const checksums: number[] = []
  for (let slot = FIXED_HEAD_BYTES; slot < size; slot += 4) checksums.push(bytes.readUInt32LE(slot))
  return { type: bytes[TYPE_AT] as FrameType, length: bytes.readUInt32LE(LENGTH_AT), headSize: size, checksums }
}

function beginsWith(bytes: Buffer, marker: Buffer): boolean {
  for (let at = 0; at < MARKER_BYTES; at++) if (bytes[at] !== marker[at]) return false
  return true
}

/**
 * Index of the first block whose checksum does not match; -1 when all do.
 * @param bytes whole blocks of the payload (the last may be short), beginning with block `firstBlock`
 */
export function damagedBlock(head: FrameHead, bytes: Buffer, firstBlock = 0): number {
  // Most messages are one block.
  if (bytes.length > 0 && bytes.length <= BLOCK_BYTES)
    return crc32(bytes) === head.checksums[firstBlock] ? -1 : firstBlock
  for (let at = 0, block = firstBlock; at < bytes.length; at += BLOCK_BYTES, block++) {
    if (crc32(bytes.subarray(at, at + BLOCK_BYTES)) !== head.checksums[block]) return block
  }
  return -1
}

/** Up to this much is summed here: a call of zlib costs more than the sum of a few octets, and every read needs one. */
const SHORT_BYTES = 64
const TABLE = Uint32Array.from({ length: 256 }, (_, octet) => {
  let rest = octet
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1
  return rest
})

/** The sum of the place (segment, 4 octets, and offset, 8), then of the head of `size` octets but for the sum itself. */
function headChecksum({ segment, offset }: Place, head: Buffer, size: number): number {
  let sum = sumWord(0xffff_ffff, segment)
  sum = sumWord(sum, offset % 2 ** 32)
  sum = sumWord(sum, Math.floor(offset / 2 ** 32))
  sum = sumOctets(sum, head, 0, CHECKSUM_AT)
  if (size - FIXED_HEAD_BYTES > SHORT_BYTES) return crc32(head.subarray(FIXED_HEAD_BYTES, size), ~sum >>> 0)
  return ~sumOctets(sum, head, FIXED_HEAD_BYTES, size) >>> 0
}

/** Goes on with a word, its lowest octet first. */
function sumWord(before: number, word: number): number {
  let sum = before
  for (let shift = 0; shift < 32; shift += 8) sum = (TABLE[(sum ^ (word >>> shift)) & 0xff] as number) ^ (sum >>> 8)
  return sum
}

function sumOctets(before: number, octets: Buffer, start: number, end: number): number {
  let sum = before
  for (let at = start; at < end; at++) sum = (TABLE[(sum ^ (octets[at] as number)) & 0xff] as number) ^ (sum >>> 8)
  return sum
}
