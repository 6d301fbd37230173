import { Readable } from 'node:stream'
import { type BlobRange, type BlobRef, type BlobStore, type BlobWriter, MailError, type WantedRange } from 'mailserver'
import { FRAME } from '../segments/frame.ts'
import type { SegmentFiles } from '../segments/segment-files.ts'
import type { SharedState, Slot } from '../shared-state.ts'
import { formatBlobRef, parseBlobRef, within } from './blob-ref.ts'
import type { FrameReads } from './frame-reads.ts'
import type { FrameWrites } from './frame-writes.ts'
import { decodeManifest, manifestBytes, PART_BYTES, type Part } from './manifest.ts'
import { type BlobBatch, readRanges } from './read-ranges.ts'
import type { Releases } from './releases.ts'
import { SegmentBlobWriter } from './segment-blob-writer.ts'
import { SpanBuffers } from './span-buffers.ts'

export interface SegmentBlobStoreParts {
  readonly reads: FrameReads
  readonly writes: FrameWrites
  readonly releases: Releases
  readonly files: SegmentFiles
  readonly shared: SharedState
  readonly slot: Slot
}

const MANIFESTS_KEPT = 64

/** Message bytes in the segments of the log, next to the commits that refer to them. */
export class SegmentBlobStore implements BlobStore {
  readonly #parts: SegmentBlobStoreParts
  readonly #manifests = new Map<BlobRef, readonly Part[]>()
  readonly #buffers = new SpanBuffers()

  constructor(parts: SegmentBlobStoreParts) {
    this.#parts = parts
  }

  async writer(): Promise<BlobWriter> {
    return new SegmentBlobWriter(this.#parts.writes, (parts) => this.#parts.releases.release(parts))
  }

  async write(bytes: Buffer): Promise<BlobRef> {
    if (bytes.length <= PART_BYTES) {
      return formatBlobRef({ kind: 'whole', ...(await this.#parts.writes.append(FRAME.blob, bytes)) })
    }
    const writer = await this.writer()
    await writer.write(bytes)
    return writer.finish()
  }

  async read(ref: BlobRef, range?: BlobRange): Promise<Buffer> {
    const place = parseBlobRef(ref)
    const { start, end } = within(place.size, range)
    if (place.kind === 'whole') return this.#parts.reads.read(place, FRAME.blob, start, end)
    const pieces: Buffer[] = []
    for await (const piece of this.#pieces(ref, start, end)) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  readMany(refs: readonly BlobRef[]): AsyncGenerator<BlobBatch> {
    const whole = refs.map((ref) => ({ ref }))
    return readRanges(whole, this.#parts.reads, ({ ref }) => this.read(ref))
  }

  readRanges(wanted: readonly WantedRange[]): AsyncGenerator<BlobBatch> {
    return readRanges(wanted, this.#parts.reads, ({ ref, range }) => this.read(ref, range), this.#buffers)
  }

  stream(ref: BlobRef, range?: BlobRange): Readable {
    const pieces = async function* (this: SegmentBlobStore) {
      const place = parseBlobRef(ref)
      const { start, end } = within(place.size, range)
      if (place.kind === 'manifest') yield* this.#pieces(ref, start, end)
      else if (end > start) yield await this.#parts.reads.read(place, FRAME.blob, start, end)
    }
    return Readable.from(pieces.call(this), { objectMode: false, highWaterMark: PART_BYTES })
  }

  async durable(ref: BlobRef): Promise<void> {
    const { segment, offset } = parseBlobRef(ref)
    const { shared, slot, files } = this.#parts
    // In this thread's own segment the next commit's sync covers it, and every segment that is no longer written is on
    // disk. What remains is a segment that another thread is writing.
    if (slot.segment === segment) return
    for (const other of shared.claimed()) {
      if (other.index !== slot.index && other.segment === segment && other.synced <= offset) await files.sync(segment)
    }
  }

  async release(ref: BlobRef): Promise<void> {
    const place = parseBlobRef(ref)
    if (place.kind === 'whole') return this.#parts.releases.release([place])
    let parts: readonly Part[]
    try {
      parts = await this.#manifest(ref)
    } catch (err) {
      // Released before, and so was everything beside it.
      if (err instanceof MailError && err.code === 'NOT_FOUND') return
      throw err
    }
    this.#manifests.delete(ref)
    await this.#parts.releases.release([...parts, { ...place, size: manifestBytes(place.size) }])
  }

  async *#pieces(ref: BlobRef, start: number, end: number): AsyncGenerator<Buffer> {
    let at = 0
    for (const part of await this.#manifest(ref)) {
      if (at >= end) return
      if (at + part.size > start) {
        yield await this.#parts.reads.read(part, FRAME.chunk, Math.max(0, start - at), Math.min(part.size, end - at))
      }
      at += part.size
    }
  }

  async #manifest(ref: BlobRef): Promise<readonly Part[]> {
    const known = this.#manifests.get(ref)
    if (known !== undefined) return known
    const place = parseBlobRef(ref)
    const frame = { ...place, size: manifestBytes(place.size) }
    const parts = decodeManifest(await this.#parts.reads.read(frame, FRAME.manifest))
    this.#manifests.set(ref, parts)
    if (this.#manifests.size > MANIFESTS_KEPT) this.#manifests.delete(this.#manifests.keys().next().value as BlobRef)
    return parts
  }
}
