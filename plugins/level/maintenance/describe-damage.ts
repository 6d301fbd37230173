import { closeSync, openSync, readSync } from 'node:fs'
import type { Damage } from 'mailserver'
import { formatBlobRef } from '../blobs/blob-ref.ts'
import type { StoredFrame } from '../blobs/stored-frame.ts'
import { type BlobFrameType, isBlobFrame, unwrap, WRAP_BYTES } from '../blobs/wrapping.ts'
import { type Layout, segmentPath } from '../layout.ts'
import { FRAME, type FrameType, headBytes, type Place } from '../segments/frame.ts'
import type { ScannedDamage } from '../segments/segment-scan.ts'

const MEANINGS: Readonly<Record<BlobFrameType, string>> = {
  [FRAME.blob]: 'a message, which cannot be read any more',
  [FRAME.chunk]: 'a part of a large message, which cannot be read wholly any more',
  [FRAME.manifest]: 'the list of the parts of a large message, which cannot be read any more',
}

/** What of the log is damaged, and the part of a large message that it is. */
export interface DescribedDamage {
  readonly damage: Damage
  /** As it was first written; undefined when it is no such part. */
  readonly part: StoredFrame | undefined
}

export function describeDamage(layout: Layout, segment: number, found: ScannedDamage): DescribedDamage {
  const { offset, end, frame } = found
  const file = segmentPath(layout, segment)
  const what = `${end - offset} octets do not match their checksum:`
  const written = frame && writtenAt(layout, { segment, offset }, frame)
  if (written !== undefined) {
    const { type, ...origin } = written
    const blob = type === FRAME.blob ? { blob: formatBlobRef({ kind: 'whole', ...origin }) } : {}
    const damage = { file, offset, meaning: `${what} ${MEANINGS[type]}`, ...blob, isRepaired: false }
    return { damage, part: type === FRAME.chunk ? origin : undefined }
  }
  const isCommit = frame?.type === FRAME.commit || frame?.type === FRAME.sealedCommit
  const meaning = isCommit ? 'a commit, of use only to make a lost index anew' : 'what stood there is not known'
  return { damage: { file, offset, meaning: `${what} ${meaning}`, isRepaired: false }, part: undefined }
}

/** What was written there, as far as the damage lets it tell; undefined when it is no frame with message bytes. */
function writtenAt(
  layout: Layout,
  place: Place,
  { type, length }: { type: FrameType; length: number },
): (StoredFrame & { type: BlobFrameType }) | undefined {
  if (isBlobFrame(type)) return { ...place, type, size: length, stored: 0 }
  if (type !== FRAME.wrapped) return undefined
  const bytes = Buffer.alloc(WRAP_BYTES)
  const fd = openSync(segmentPath(layout, place.segment), 'r')
  try {
    readSync(fd, bytes, 0, WRAP_BYTES, place.offset + headBytes(length))
  } finally {
    closeSync(fd)
  }
  const wrapped = unwrap(bytes)
  return wrapped && { type: wrapped.type, ...(wrapped.origin ?? { ...place, size: wrapped.size, stored: length }) }
}
