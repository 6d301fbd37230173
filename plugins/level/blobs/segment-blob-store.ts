import { existsSync } from 'node:fs'
import { Readable } from 'node:stream'
import { type BlobRange, type BlobRef, type BlobStore, type BlobWriter, MailError } from 'mailserver'
import { releasedKey } from '../engine/private-keys.ts'
import { type Layout, segmentPath } from '../layout.ts'
import type { Op } from '../segments/commit-frame.ts'
import { FRAME, type FrameType, frameBytes, type Place } from '../segments/frame.ts'
import type { SegmentFiles } from '../segments/segment-files.ts'
import type { SegmentLog } from '../segments/segment-log.ts'
import type { SharedState, Slot } from '../shared-state.ts'
import { type BlobPlace, formatBlobRef, parseBlobRef } from './blob-ref.ts'
import type { FrameReads } from './frame-reads.ts'
import { decodeManifest, manifestBytes, PART_BYTES, type Part } from './manifest.ts'
import { type BlobBatch, readMany } from './read-many.ts'
import { SegmentBlobWriter } from './segment-blob-writer.ts'

export interface SegmentBlobStoreParts {
  readonly layout: Layout
  readonly segments: SegmentLog
  readonly reads: FrameReads
  readonly files: SegmentFiles
  readonly shared: SharedState
  readonly slot: Slot
}

const MANIFESTS_KEPT = 64

/** Message bytes in the segments of the log, next to the commits that refer to them. */
export class SegmentBlobStore implements BlobStore {
  readonly #parts: SegmentBlobStoreParts
  readonly #manifests = new Map<BlobRef, readonly Part[]>()
  #releasing: { readonly ops: Op[]; readonly done: Promise<void> } | undefined

  constructor(parts: SegmentBlobStoreParts) {
    this.#parts = parts
  }

  async writer(): Promise<BlobWriter> {
    return new SegmentBlobWriter(this.#parts.segments, (parts) => this.#releaseFrames(parts))
  }

  async write(bytes: Buffer): Promise<BlobRef> {
    if (bytes.length <= PART_BYTES) {
      const { segment, offset } = await this.#parts.segments.append(FRAME.blob, bytes)
      return formatBlobRef({ kind: 'whole', segment, offset, size: bytes.length })
    }
    const writer = await this.writer()
    await writer.write(bytes)
    return writer.finish()
  }

  async read(ref: BlobRef, range?: BlobRange): Promise<Buffer> {
    const place = parseBlobRef(ref)
    const { start, end } = within(place, range)
    if (place.kind === 'whole') return this.#payload(place, FRAME.blob, place.size, start, end)
    const pieces: Buffer[] = []
    for await (const piece of this.#pieces(ref, start, end)) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  readMany(refs: readonly BlobRef[]): AsyncGenerator<BlobBatch> {
    return readMany(refs, this.#parts.reads, (ref) => this.read(ref))
  }

  stream(ref: BlobRef, range?: BlobRange): Readable {
    const pieces = async function* (this: SegmentBlobStore) {
      const place = parseBlobRef(ref)
      const { start, end } = within(place, range)
      if (place.kind === 'manifest') yield* this.#pieces(ref, start, end)
      else if (end > start) yield await this.#payload(place, FRAME.blob, place.size, start, end)
    }
    return Readable.from(pieces.call(this), { objectMode: false, highWaterMark: PART_BYTES })
  }

  async durable(ref: BlobRef): Promise<void> {
    const { segment, offset } = parseBlobRef(ref)
    const { shared, slot, files } = this.#parts
    // In this thread's own segment the next commit's sync covers it, and every segment that is no longer written is on
    // disk. What remains is a segment that another thread is writing.
    for (const other of shared.claimed()) {
      if (other.index !== slot.index && other.segment === segment && other.synced <= offset) await files.sync(segment)
    }
  }

  async release(ref: BlobRef): Promise<void> {
    const place = parseBlobRef(ref)
    const { segment, offset, size } = place
    // Released before, and so was everything beside it.
    if (!existsSync(segmentPath(this.#parts.layout, segment))) return
    if (place.kind === 'whole') return this.#releaseFrames([{ segment, offset, size }])
    let parts: readonly Part[]
    try {
      parts = await this.#manifest(ref)
    } catch (err) {
      if (err instanceof MailError && err.code === 'NOT_FOUND') return
      throw err
    }
    this.#manifests.delete(ref)
    await this.#releaseFrames([...parts, { segment, offset, size: manifestBytes(size) }])
  }

  #payload(place: Place, type: FrameType, length: number, start: number, end: number): Promise<Buffer> {
    return this.#parts.reads.read(place, { type, length }, start, end)
  }

  /** Many releases come together: those of one turn of the event loop share a commit. */
  #releaseFrames(frames: readonly Part[]): Promise<void> {
    if (this.#releasing === undefined) {
      const ops: Op[] = []
      const done = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        this.#releasing = undefined
        return this.#parts.segments.commit({ ops, isRelaxed: true })
      })
      this.#releasing = { ops, done }
    }
    for (const { segment, offset, size } of frames) {
      const value = Buffer.allocUnsafe(4)
      value.writeUInt32LE(frameBytes(size))
      this.#releasing.ops.push({ key: releasedKey(segment, offset), value })
    }
    return this.#releasing.done
  }

  async *#pieces(ref: BlobRef, start: number, end: number): AsyncGenerator<Buffer> {
    let at = 0
    for (const part of await this.#manifest(ref)) {
      if (at >= end) return
      if (at + part.size > start) {
        yield await this.#payload(part, FRAME.chunk, part.size, Math.max(0, start - at), Math.min(part.size, end - at))
      }
      at += part.size
    }
  }

  async #manifest(ref: BlobRef): Promise<readonly Part[]> {
    const known = this.#manifests.get(ref)
    if (known !== undefined) return known
    const place = parseBlobRef(ref)
    const length = manifestBytes(place.size)
    const parts = decodeManifest(await this.#payload(place, FRAME.manifest, length, 0, length))
    this.#manifests.set(ref, parts)
    if (this.#manifests.size > MANIFESTS_KEPT) this.#manifests.delete(this.#manifests.keys().next().value as BlobRef)
    return parts
  }
}

function within({ size }: BlobPlace, range: BlobRange | undefined): { start: number; end: number } {
  const end = Math.min(size, range?.end ?? size)
  return { start: Math.min(range?.start ?? 0, end), end }
}
