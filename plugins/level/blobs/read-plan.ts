import type { WantedRange } from 'mailserver'
import { BLOCK_BYTES, frameBytes, headBytes } from '../segments/frame.ts'
import { type BlobPlace, parseBlobRef, within } from './blob-ref.ts'

/** A blob of a span, and what of it is wanted. */
export interface PlannedBlob {
  readonly wanted: WantedRange
  readonly place: BlobPlace
  readonly start: number
  readonly end: number
}

/** Neighbours in one segment, read with one call. */
export interface Span {
  readonly kind: 'span'
  readonly segment: number
  readonly start: number
  readonly end: number
  /** Octets that the blobs take in memory: more than are read when they are compressed. */
  readonly size: number
  readonly blobs: readonly PlannedBlob[]
}

/** A blob in parts, or a range far behind the head of its frame. */
export interface Scattered {
  readonly kind: 'scattered'
  readonly wanted: WantedRange
}

/** What one call reads at most: large enough that a call costs nothing beside the copy, small enough to wait for. */
export const SPAN_BYTES = 1024 * 1024
/** Octets between two blobs that are read along rather than calling twice. */
const GAP_BYTES = 16 * 1024

/**
 * How to read these ranges in this order with few calls.
 * @param locate where a blob is now
 * @throws MailError NOT_FOUND at a text that is no reference, after everything before it
 */
export function* planReads(
  ranges: readonly WantedRange[],
  locate: (place: BlobPlace) => BlobPlace,
): Generator<Span | Scattered> {
  let span: Growing | undefined
  for (const wanted of ranges) {
    let place: BlobPlace
    try {
      place = locate(parseBlobRef(wanted.ref))
    } catch (err) {
      if (span !== undefined) yield { kind: 'span', ...span }
      throw err
    }
    const { start, end } = within(place.size, wanted.range)
    const blob: PlannedBlob = { wanted, place, start, end }
    const read = readFrom(blob)
    if (span !== undefined && read !== undefined && follows(span, place, read)) {
      span.blobs.push(blob)
      span.end = place.offset + read.octets
      span.size += read.size
      continue
    }
    if (span !== undefined) yield { kind: 'span', ...span }
    span = undefined
    if (read === undefined) yield { kind: 'scattered', wanted }
    else {
      const { segment, offset } = place
      span = { segment, start: offset, end: offset + read.octets, size: read.size, blobs: [blob] }
    }
  }
  if (span !== undefined) yield { kind: 'span', ...span }
}

interface Growing {
  readonly segment: number
  readonly start: number
  end: number
  size: number
  readonly blobs: PlannedBlob[]
}

interface FrameRead {
  /** Octets to read from the frame's first on. */
  readonly octets: number
  /** Octets in memory then. */
  readonly size: number
}

/** What to read of the frame; undefined when one call from its head on would read much that nobody wants. */
function readFrom({ place, start, end }: PlannedBlob): FrameRead | undefined {
  if (place.kind === 'manifest') return undefined
  // What is compressed or encrypted is only there as a whole.
  if (place.stored !== 0) return { octets: frameBytes(place.stored), size: place.size }
  if (start >= 2 * BLOCK_BYTES) return undefined
  const size = Math.min(place.size, Math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES)
  return { octets: headBytes(place.size) + size, size }
}

function follows(span: Growing, { segment, offset }: BlobPlace, { octets, size }: FrameRead): boolean {
  return (
    segment === span.segment &&
    offset >= span.end &&
    offset - span.end <= GAP_BYTES &&
    offset + octets - span.start <= SPAN_BYTES &&
    span.size + size <= SPAN_BYTES
  )
}
