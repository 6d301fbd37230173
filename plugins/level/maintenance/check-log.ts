import type { BlobRef, CheckOptions, Damage } from 'mailserver'
import { formatBlobRef } from '../blobs/blob-ref.ts'
import { decodeManifest } from '../blobs/manifest.ts'
import type { Database } from '../engine/database.ts'
import { releasedKey } from '../engine/private-keys.ts'
import { type Layout, segmentPath } from '../layout.ts'
import { readPositions } from '../owner/recovery.ts'
import { FRAME, type Place } from '../segments/frame.ts'
import { type ScannedDamage, scanSegment } from '../segments/segment-scan.ts'
import type { SharedState } from '../shared-state.ts'
import { readSegmentStates } from './segment-states.ts'

export interface CheckParts {
  readonly layout: Layout
  readonly db: Database
  readonly shared: SharedState
}

interface Extent {
  readonly segment: number
  readonly end: number
}

/** How long a scan may hold the thread before everything else gets a turn. */
const TURN_MS = 5

/** Proves every frame of the log, and that the index has every segment it speaks of. */
export async function* checkLog(parts: CheckParts, { signal, onProgress }: CheckOptions): AsyncGenerator<Damage> {
  signal.throwIfAborted()
  const { layout, db } = parts
  yield* missingSegments(layout, db)
  const extents = await readExtents(parts)
  const total = extents.reduce((sum, { end }) => sum + end, 0)
  const parted: { place: Place; damage: Damage }[] = []
  let done = 0
  for (const { segment, end } of extents) {
    for await (const { damage, offset } of scanInTurns(layout, segment, end, signal, (at) => {
      onProgress?.({ done: done + at, total, unit: 'octets' })
    })) {
      const described = describe(layout, segment, damage)
      if (damage.frame?.type === FRAME.chunk) parted.push({ place: { segment, offset }, damage: described })
      else if (damage.frame === undefined || !isDead(db, segment, damage)) yield described
    }
    done += end
  }
  if (parted.length > 0) yield* withTheirBlobs(layout, extents, parted, signal)
}

async function* missingSegments(layout: Layout, db: Database): AsyncGenerator<Damage> {
  const existing = new Set((await readSegmentStates(layout, db)).map(({ segment }) => segment))
  for (const segment of (await readPositions(db)).keys()) {
    if (existing.has(segment)) continue
    const meaning = 'the index knows this segment and it is gone: the messages in it are lost'
    yield { file: segmentPath(layout, segment), meaning, isRepaired: false }
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

async function* scanInTurns(
  layout: Layout,
  segment: number,
  end: number,
  signal: AbortSignal,
  reached: (offset: number) => void,
): AsyncGenerator<{ damage: ScannedDamage; offset: number }> {
  let began = performance.now()
  for (const found of scanSegment(layout, segment, { from: 0, to: end, check: true })) {
    if (found.kind === 'damage') yield { damage: found, offset: found.offset }
    if (performance.now() - began < TURN_MS) continue
    reached(found.end)
    await new Promise((resolve) => setImmediate(resolve))
    signal.throwIfAborted()
    began = performance.now()
  }
}

function isDead(db: Database, segment: number, { offset }: ScannedDamage): boolean {
  return db.getSync(releasedKey(segment, offset)) !== undefined
}

function describe(layout: Layout, segment: number, { offset, end, frame }: ScannedDamage): Damage {
  const file = segmentPath(layout, segment)
  const what = `${end - offset} octets do not match their checksum`
  switch (frame?.type) {
    case FRAME.blob: {
      const blob = formatBlobRef({ kind: 'whole', segment, offset, size: frame.length })
      return { file, offset, meaning: `${what}: the message cannot be read`, blob, isRepaired: false }
    }
    case FRAME.manifest:
      return { file, offset, meaning: `${what}: the list of a large message's parts`, isRepaired: false }
    case FRAME.chunk:
      return { file, offset, meaning: `${what}: a part of a large message`, isRepaired: false }
    case FRAME.commit:
      return { file, offset, meaning: `${what}: a commit, which the index has already`, isRepaired: false }
    default:
      return { file, offset, meaning: `${what}: what stood there is not known`, isRepaired: false }
  }
}

/** The blobs that the damaged parts belong to, which only their manifests tell. */
async function* withTheirBlobs(
  layout: Layout,
  extents: readonly Extent[],
  parted: readonly { place: Place; damage: Damage }[],
  signal: AbortSignal,
): AsyncGenerator<Damage> {
  const nameOf = ({ segment, offset }: Place) => `${segment}.${offset}`
  const blobs = new Map<string, BlobRef>()
  const wanted = new Set(parted.map(({ place }) => nameOf(place)))
  for (const { segment, end } of extents) {
    signal.throwIfAborted()
    for (const found of scanSegment(layout, segment, { from: 0, to: end, check: false, payloads: [FRAME.manifest] })) {
      if (found.kind !== 'frame' || found.type !== FRAME.manifest) continue
      const parts = decodeManifest(found.payload)
      const size = parts.reduce((sum, part) => sum + part.size, 0)
      const ref = formatBlobRef({ kind: 'manifest', segment, offset: found.offset, size })
      for (const part of parts) if (wanted.has(nameOf(part))) blobs.set(nameOf(part), ref)
    }
  }
  for (const { place, damage } of parted) {
    const blob = blobs.get(nameOf(place))
    yield blob === undefined ? damage : { ...damage, blob }
  }
}
