import { setTimeout as sleep } from 'node:timers/promises'
import type { BlobRef, CheckOptions, Damage } from 'mailserver'
import { formatBlobRef } from '../blobs/blob-ref.ts'
import { decodeManifest } from '../blobs/manifest.ts'
import { openBody } from '../blobs/wrapping.ts'
import { releasedKey } from '../engine/private-keys.ts'
import { type Layout, segmentPath } from '../layout.ts'
import { forgetSegment } from '../owner/recovery.ts'
import { finishDeletions, missingSegments } from '../owner/sweep.ts'
import { FRAME, type Place } from '../segments/frame.ts'
import type { SharedState, Slot } from '../shared-state.ts'
import { type CheckIndexParts, checkIndex } from './check-index.ts'
import { type DescribedDamage, describeDamage } from './describe-damage.ts'
import { inTurns } from './in-turns.ts'
import { type MessageFrame, messageFrames } from './message-frames.ts'
import { readSegmentStates } from './segment-states.ts'

export interface CheckParts extends CheckIndexParts {
  readonly shared: SharedState
  readonly slot: Slot
}

/** A sweep takes less. */
const SWEEP_MS = 50

interface Extent {
  readonly segment: number
  readonly end: number
}

/** Proves every frame of the log, that every segment is there which the index speaks of, and the index by the log. */
export async function* checkLog(parts: CheckParts, options: CheckOptions): AsyncGenerator<Damage> {
  const { signal, onProgress } = options
  signal.throwIfAborted()
  const { layout, db } = parts
  yield* lostSegments(parts, options)
  const extents = await readExtents(parts)
  const total = extents.reduce((sum, { end }) => sum + end, 0)
  const partly: DescribedDamage[] = []
  let before = 0
  for (const { segment, end } of extents) {
    const scan = messageFrames(layout, segment, { to: end, check: true, payloads: [] })
    for await (const found of inTurns(scan, signal)) {
      onProgress?.({ done: before + found.end, total, unit: 'octets' })
      if (found.kind !== 'damage' || db.getSync(releasedKey(segment, found.offset)) !== undefined) continue
      const described = describeDamage(layout, segment, found)
      if (described.part === undefined) yield described.damage
      else partly.push(described)
    }
    before += end
  }
  if (partly.length > 0) yield* withTheirBlobs(layout, extents, partly, signal)
  yield* checkIndex(parts, () => readIndexed(parts), options)
}

/** What of each segment is in the index. */
async function readIndexed({ layout, db }: CheckParts): Promise<Extent[]> {
  const states = await readSegmentStates(layout, db)
  return states.map(({ segment, position }) => ({ segment, end: position?.end ?? 0 }))
}

/** A repair lets the index forget them. */
async function* lostSegments(parts: CheckParts, { repair }: { readonly repair: boolean }): AsyncGenerator<Damage> {
  const { layout, db } = parts
  const missing = await whileNothingIsDeleted(parts, async () => {
    await finishDeletions(layout, db)
    const gone = await missingSegments(layout, db)
    if (repair) for (const segment of gone) await forgetSegment(db, segment)
    return gone
  })
  for (const segment of missing) {
    const meaning = 'the index knows this segment and it is gone: the messages in it are lost'
    yield { file: segmentPath(layout, segment), meaning, isRepaired: repair }
  }
}

/** Between a file that goes and the index that hears of it the two differ, and all is well. */
async function whileNothingIsDeleted<T>({ shared, slot }: CheckParts, fn: () => Promise<T>): Promise<T> {
  while (!shared.begins('sweep', slot.index)) await sleep(SWEEP_MS)
  try {
    return await fn()
  } finally {
    shared.ends('sweep', slot.index)
  }
}

/** What of each segment is whole on disk: of one that is being written, the part that has been synced. */
async function readExtents({ layout, db, shared }: CheckParts): Promise<Extent[]> {
  const written = new Map(shared.claimed().map(({ segment, synced }) => [segment, synced]))
  return (await readSegmentStates(layout, db)).map(({ segment, fileBytes }) => ({
    segment,
    end: Math.min(fileBytes, written.get(segment) ?? fileBytes),
  }))
}

/** The blobs that damaged parts belong to, which only the manifests tell. */
async function* withTheirBlobs(
  layout: Layout,
  extents: readonly Extent[],
  partly: readonly DescribedDamage[],
  signal: AbortSignal,
): AsyncGenerator<Damage> {
  const nameOf = ({ segment, offset }: Place) => `${segment}.${offset}`
  const blobs = new Map<string, BlobRef>()
  const wanted = new Set(partly.map(({ part }) => nameOf(part as Place)))
  for (const { segment, end } of extents) {
    const scan = messageFrames(layout, segment, { to: end, check: false, payloads: [FRAME.manifest] })
    for await (const found of inTurns(scan, signal)) {
      if (found.kind !== 'message' || found.type !== FRAME.manifest) continue
      const parts = decodeManifest(manifestOf(layout, found))
      const size = parts.reduce((sum, part) => sum + part.size, 0)
      const ref = formatBlobRef({ kind: 'manifest', ...found.origin, size })
      for (const part of parts) if (wanted.has(nameOf(part))) blobs.set(nameOf(part), ref)
    }
  }
  for (const { damage, part } of partly) {
    const blob = blobs.get(nameOf(part as Place))
    yield blob === undefined ? damage : { ...damage, blob }
  }
}

/** The bytes of a manifest that was found in the log. */
function manifestOf({ vault }: Layout, { wrapped, payload }: MessageFrame): Buffer {
  return wrapped === undefined ? payload : openBody(wrapped, vault)
}
