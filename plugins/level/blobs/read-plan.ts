import type { BlobRef } from 'mailserver'
import { frameBytes } from '../segments/frame.ts'
import { type BlobPlace, parseBlobRef } from './blob-ref.ts'
import { payloadBytes } from './stored-frame.ts'

/** Neighbours in one segment, read with one call. */
export interface Span {
  readonly kind: 'span'
  readonly segment: number
  readonly start: number
  readonly end: number
  /** Octets of the blobs as they were written: more than are read when they are compressed. */
  readonly size: number
  readonly blobs: readonly { readonly ref: BlobRef; readonly place: BlobPlace }[]
}

/** A blob in parts. */
export interface Scattered {
  readonly kind: 'scattered'
  readonly ref: BlobRef
}

/** What one call reads at most: large enough that a call costs nothing beside the copy, small enough to wait for. */
const SPAN_BYTES = 1024 * 1024
/** Octets between two blobs that are read along rather than calling twice. */
const GAP_BYTES = 16 * 1024

/**
 * How to read whole blobs in this order with few calls.
 * @param locate where a blob is now
 * @throws MailError NOT_FOUND at a text that is no reference, after everything before it
 */
export function* planReads(
  refs: readonly BlobRef[],
  locate: (place: BlobPlace) => BlobPlace,
): Generator<Span | Scattered> {
  let span: Growing | undefined
  for (const ref of refs) {
    let place: BlobPlace
    try {
      place = locate(parseBlobRef(ref))
    } catch (err) {
      if (span !== undefined) yield { kind: 'span', ...span }
      throw err
    }
    const end = place.offset + frameBytes(payloadBytes(place))
    if (span !== undefined && place.kind === 'whole' && follows(span, place, end)) {
      span.blobs.push({ ref, place })
      span.end = end
      span.size += place.size
      continue
    }
    if (span !== undefined) yield { kind: 'span', ...span }
    span = undefined
    if (place.kind === 'manifest') yield { kind: 'scattered', ref }
    else span = { segment: place.segment, start: place.offset, end, size: place.size, blobs: [{ ref, place }] }
  }
  if (span !== undefined) yield { kind: 'span', ...span }
}

interface Growing {
  readonly segment: number
  readonly start: number
  end: number
  size: number
  readonly blobs: { ref: BlobRef; place: BlobPlace }[]
}

function follows(span: Growing, { segment, offset, size }: BlobPlace, end: number): boolean {
  return (
    segment === span.segment &&
    offset >= span.end &&
    offset - span.end <= GAP_BYTES &&
    end - span.start <= SPAN_BYTES &&
    span.size + size <= SPAN_BYTES
  )
}
