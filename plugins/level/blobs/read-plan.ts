import type { BlobRef } from 'mailserver'
import { frameBytes } from '../segments/frame.ts'
import { type BlobPlace, parseBlobRef } from './blob-ref.ts'

/** Neighbours in one segment, read with one call. */
export interface Span {
  readonly kind: 'span'
  readonly segment: number
  readonly start: number
  readonly end: number
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
 * @throws MailError NOT_FOUND at a text that is no reference, after everything before it
 */
export function* planReads(refs: readonly BlobRef[]): Generator<Span | Scattered> {
  let span: { segment: number; start: number; end: number; blobs: { ref: BlobRef; place: BlobPlace }[] } | undefined
  for (const ref of refs) {
    let place: BlobPlace
    try {
      place = parseBlobRef(ref)
    } catch (err) {
      if (span !== undefined) yield { kind: 'span', ...span }
      throw err
    }
    const end = place.offset + frameBytes(place.size)
    if (span !== undefined && place.kind === 'whole' && follows(span, place, end)) {
      span.blobs.push({ ref, place })
      span.end = end
      continue
    }
    if (span !== undefined) yield { kind: 'span', ...span }
    span = undefined
    if (place.kind === 'manifest') yield { kind: 'scattered', ref }
    else span = { segment: place.segment, start: place.offset, end, blobs: [{ ref, place }] }
  }
  if (span !== undefined) yield { kind: 'span', ...span }
}

function follows(span: Omit<Span, 'kind'>, { segment, offset }: BlobPlace, end: number): boolean {
  return (
    segment === span.segment && offset >= span.end && offset - span.end <= GAP_BYTES && end - span.start <= SPAN_BYTES
  )
}
