import type { StoredFrame } from './stored-frame.ts'

/** A frame that holds one part of a large blob. */
export type Part = StoredFrame

/**
 * A blob up to this size is one frame, written when it is finished: one append, no trace of it when it is refused. A
 * larger one goes out in frames of exactly this size (the last may be shorter) as it arrives, between those of other
 * writers, and a manifest at the end lists them. So a writer holds this much and no more, and most messages are read back
 * with one read. Part of the layout on disk: a manifest's length follows from the blob's.
 */
export const PART_BYTES = 128 * 1024

const ENTRY_BYTES = 20

/** Octets of the manifest of a blob of this size. */
export function manifestBytes(size: number): number {
  return Math.ceil(size / PART_BYTES) * ENTRY_BYTES
}

export function encodeManifest(parts: readonly Part[]): Buffer {
  const bytes = Buffer.allocUnsafe(parts.length * ENTRY_BYTES)
  for (const [index, { segment, offset, size, stored }] of parts.entries()) {
    const at = index * ENTRY_BYTES
    bytes.writeUInt32LE(segment, at)
    bytes.writeUInt32LE(size, at + 4)
    bytes.writeBigUInt64LE(BigInt(offset), at + 8)
    bytes.writeUInt32LE(stored, at + 16)
  }
  return bytes
}

export function decodeManifest(bytes: Buffer): Part[] {
  const parts: Part[] = []
  for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    parts.push({
      segment: bytes.readUInt32LE(at),
      size: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      stored: bytes.readUInt32LE(at + 16),
    })
  }
  return parts
}
