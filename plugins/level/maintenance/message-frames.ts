import type { StoredFrame } from '../blobs/stored-frame.ts'
import { type BlobFrameType, isBlobFrame, unwrap, type Wrapped } from '../blobs/wrapping.ts'
import type { Layout } from '../layout.ts'
import { FRAME, type FrameType } from '../segments/frame.ts'
import { type ScannedDamage, type ScannedFrame, scanSegment } from '../segments/segment-scan.ts'

/** A frame with message bytes, found in the log. */
export interface MessageFrame {
  readonly kind: 'message'
  readonly type: BlobFrameType
  /** Where it is. */
  readonly at: StoredFrame
  /** The frame as it was first written: what references and manifests name. */
  readonly origin: StoredFrame
  /** What is around it when it is not as it was written. */
  readonly wrapped: Wrapped | undefined
  /** As it stands there, when that was asked for. Good until the next frame. */
  readonly payload: Buffer
  readonly end: number
}

export interface MessageFrameOptions {
  readonly to: number
  /** Proves bytes that are not asked for as well. */
  readonly check: boolean
  /** Whose payload is wanted, beside that of wrapped frames. */
  readonly payloads: readonly BlobFrameType[]
}

/** The message frames of a segment, its damage, and the offsets of its other frames, in order. */
export function* messageFrames(
  layout: Layout,
  segment: number,
  { to, check, payloads }: MessageFrameOptions,
): Generator<MessageFrame | ScannedDamage | ScannedFrame> {
  const wanted: FrameType[] = [FRAME.wrapped, ...payloads]
  for (const found of scanSegment(layout, segment, { from: 0, to, check, payloads: wanted })) {
    if (found.kind === 'damage') {
      yield found
      continue
    }
    const { type, offset, end, length, payload } = found
    if (isBlobFrame(type)) {
      const at = { segment, offset, size: length, stored: 0 }
      yield { kind: 'message', type, at, origin: at, wrapped: undefined, payload, end }
    } else if (type === FRAME.wrapped) {
      const wrapped = unwrap(payload)
      if (wrapped === undefined) {
        yield { kind: 'damage', offset, end }
        continue
      }
      const at = { segment, offset, size: wrapped.size, stored: length }
      yield { kind: 'message', type: wrapped.type, at, origin: wrapped.origin ?? at, wrapped, payload, end }
    } else yield found
  }
}
