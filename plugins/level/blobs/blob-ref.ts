import { type BlobRange, type BlobRef, MailError } from 'mailserver'
import type { StoredFrame } from './stored-frame.ts'

/** Where a blob was written. `whole`: one frame; `manifest`: a frame that lists the frames with its parts. */
export interface BlobPlace extends StoredFrame {
  readonly kind: 'whole' | 'manifest'
  /** Octets of the blob. */
  readonly size: number
}

/** Digits that a number of a reference may have, to base 36: segment, then offset, size and what is stored. */
const SEGMENT_DIGITS = 7
const DIGITS = 11
const DOT = 0x2e

/** e.g. `b1z.4f0.1k8`: kind, segment, offset and size, to base 36; then what is stored when that is something else. */
export function formatBlobRef({ kind, segment, offset, size, stored }: BlobPlace): BlobRef {
  const letter = kind === 'whole' ? 'b' : 'm'
  const plain = `${letter}${segment.toString(36)}.${offset.toString(36)}.${size.toString(36)}`
  return (stored === 0 ? plain : `${plain}.${stored.toString(36)}`) as BlobRef
}

/** @throws MailError NOT_FOUND when it is no reference of this store */
export function parseBlobRef(ref: BlobRef): BlobPlace {
  const reading = { text: ref, at: 1 }
  const kind = ref.startsWith('b') ? 'whole' : ref.startsWith('m') ? 'manifest' : undefined
  const segment = number(reading, SEGMENT_DIGITS)
  const offset = number(reading, DIGITS)
  const size = number(reading, DIGITS)
  const stored = reading.at > ref.length ? 0 : number(reading, DIGITS)
  const isWhole = reading.at === ref.length + 1
  if (kind === undefined || !isWhole || segment < 0 || offset < 0 || size < 0 || stored < 0) {
    throw new MailError('NOT_FOUND', `${JSON.stringify(ref)} names no blob of this store`)
  }
  return { kind, segment, offset, size, stored }
}

/**
 * Reads a number to base 36 and the dot or the end behind it: by hand, since a mailbox that is read has a reference for
 * every message. @returns -1 when there is none
 */
function number(reading: { readonly text: string; at: number }, digits: number): number {
  const { text } = reading
  const start = reading.at
  let value = 0
  let at = start
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === DOT) break
    const digit = code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x61 && code <= 0x7a ? code - 0x57 : -1
    if (digit === -1) return -1
    value = value * 36 + digit
  }
  reading.at = at + 1
  return at === start || at - start > digits ? -1 : value
}

/** What there is of a range in a blob of `size` octets. */
export function within(size: number, range: BlobRange | undefined): { readonly start: number; readonly end: number } {
  const end = Math.min(size, range?.end ?? size)
  return { start: Math.min(range?.start ?? 0, end), end }
}
