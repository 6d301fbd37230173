import { type BlobRange, type BlobRef, MailError } from 'mailserver'
import type { StoredFrame } from './stored-frame.ts'

/** Where a blob was written. `whole`: one frame; `manifest`: a frame that lists the frames with its parts. */
export interface BlobPlace extends StoredFrame {
  readonly kind: 'whole' | 'manifest'
  /** Octets of the blob. */
  readonly size: number
}

const SHAPE = /^([bm])([0-9a-z]{1,7})\.([0-9a-z]{1,11})\.([0-9a-z]{1,11})(?:\.([0-9a-z]{1,11}))?$/

/** e.g. `b1z.4f0.1k8`: kind, segment, offset and size, to base 36; then what is stored when that is something else. */
export function formatBlobRef({ kind, segment, offset, size, stored }: BlobPlace): BlobRef {
  const letter = kind === 'whole' ? 'b' : 'm'
  const plain = `${letter}${segment.toString(36)}.${offset.toString(36)}.${size.toString(36)}`
  return (stored === 0 ? plain : `${plain}.${stored.toString(36)}`) as BlobRef
}

/** @throws MailError NOT_FOUND when it is no reference of this store */
export function parseBlobRef(ref: BlobRef): BlobPlace {
  const match = SHAPE.exec(ref)
  if (match === null) throw new MailError('NOT_FOUND', `${JSON.stringify(ref)} names no blob of this store`)
  const [, letter, segment, offset, size, stored = '0'] = match as unknown as [string, string, string, string, string]
  return {
    kind: letter === 'b' ? 'whole' : 'manifest',
    segment: Number.parseInt(segment, 36),
    offset: Number.parseInt(offset, 36),
    size: Number.parseInt(size, 36),
    stored: Number.parseInt(stored, 36),
  }
}

/** What there is of a range in a blob of `size` octets. */
export function within(size: number, range: BlobRange | undefined): { readonly start: number; readonly end: number } {
  const end = Math.min(size, range?.end ?? size)
  return { start: Math.min(range?.start ?? 0, end), end }
}
