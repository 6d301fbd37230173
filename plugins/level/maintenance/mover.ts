/**
 * Writes frames that are still needed anew, behind everything else in the log, so that the segment they stood in can go.
 * The copies go into a segment of their own and reach the disk with the commit that says where they are now and that
 * the old ones are dead: before it the old frames count, after it the new ones, and a crash in between leaves copies
 * that nobody refers to. References stay what they are: a frame that was moved is found under its first place.
 */

import { forwardOp } from '../blobs/forwards.ts'
import { deadOp, type Releases } from '../blobs/releases.ts'
import type { StoredFrame } from '../blobs/stored-frame.ts'
import { compress, openBody, seal, type Wrapped, wrap } from '../blobs/wrapping.ts'
import type { Database } from '../engine/database.ts'
import { readValue } from '../engine/index-reader.ts'
import { compressedKey, releasedKey } from '../engine/private-keys.ts'
import type { Layout } from '../layout.ts'
import type { Op } from '../segments/commit-frame.ts'
import { FRAME } from '../segments/frame.ts'
import type { SegmentLog } from '../segments/segment-log.ts'
import type { MessageFrame } from './message-frames.ts'

export interface MoverParts {
  readonly layout: Layout
  readonly db: Database
  readonly releases: Releases
  readonly compression: 'none' | 'zstd'
  /** Segments before it are sealed with another key, or not at all. */
  readonly sealedSince: number
}

interface Move {
  readonly from: StoredFrame
  readonly origin: StoredFrame
  readonly to: Promise<StoredFrame>
}

const BATCH_BYTES = 1024 * 1024
const BATCH_FRAMES = 256
/** Less than this does not get smaller to speak of. */
const COMPRESS_FROM_BYTES = 512

export class Mover {
  readonly #parts: MoverParts
  readonly #segments: SegmentLog
  #moves: Move[] = []
  #waiting = 0
  #movedBytes = 0
  #movedBlobs = 0

  /** @param segments to write to; its commits wait for the disk */
  constructor(parts: MoverParts, segments: SegmentLog) {
    this.#parts = parts
    this.#segments = segments
  }

  get movedBytes(): number {
    return this.#movedBytes
  }

  get movedBlobs(): number {
    return this.#movedBlobs
  }

  /** Takes a live frame. Resolves to the octets that were brought to the disk meanwhile. @throws MailError CORRUPT, STORE_FULL */
  async add(frame: MessageFrame): Promise<number> {
    const { at, origin } = frame
    const payload = wrap(await this.#formOf(frame))
    const to = this.#segments
      .append(FRAME.wrapped, payload)
      .then(({ segment, offset }) => ({ segment, offset, size: at.size, stored: payload.length }))
    // It is waited for with its batch.
    to.catch(() => {})
    this.#moves.push({ from: at, origin, to })
    this.#waiting += payload.length
    return this.#waiting < BATCH_BYTES && this.#moves.length < BATCH_FRAMES ? 0 : this.flush()
  }

  /** Brings what was taken to the disk, and says where it is now. Resolves to its octets. */
  async flush(): Promise<number> {
    const moves = this.#moves
    const bytes = this.#waiting
    this.#moves = []
    this.#waiting = 0
    if (moves.length === 0) return 0
    const copies = await Promise.all(moves.map(({ to }) => to))
    const { db, releases, compression } = this.#parts
    await releases.alone(async () => {
      const ops = moves.flatMap(({ from, origin }, at) => {
        const copy = copies[at] as StoredFrame
        const isDead = readValue(db, releasedKey(from.segment, from.offset)) !== undefined
        return isDead ? [deadOp(copy)] : [forwardOp(origin, copy), deadOp(from)]
      })
      if (compression === 'zstd') ops.push(...this.#noteCompressed(copies))
      await this.#segments.commit({ ops, until: 'visible' })
    })
    this.#movedBytes += bytes
    this.#movedBlobs += moves.length
    return bytes
  }

  /** What stands in these segments has got its chance to get smaller. */
  #noteCompressed(copies: readonly StoredFrame[]): Op[] {
    return [...new Set(copies.map(({ segment }) => segment))].map((segment) => ({
      key: compressedKey(segment),
      value: Buffer.alloc(0),
    }))
  }

  /** The frame as it is to be written: as it is, unless it gets smaller or needs another key. */
  async #formOf({ type, at, origin, wrapped, payload }: MessageFrame): Promise<Wrapped> {
    const { layout, compression, sealedSince } = this.#parts
    const { size } = at
    const isSealed = wrapped?.isSealed ?? false
    const isCompressed = wrapped?.isCompressed ?? false
    const mustSeal = layout.vault !== undefined && (!isSealed || at.segment < sealedSince)
    const maySqueeze = compression === 'zstd' && !isCompressed && type !== FRAME.manifest && size >= COMPRESS_FROM_BYTES
    if (!mustSeal && !maySqueeze) {
      return { type, isSealed, isCompressed, size, origin, body: wrapped?.body ?? payload }
    }
    const plain = wrapped === undefined ? Buffer.from(payload) : Buffer.from(openBody(wrapped, layout.vault))
    const smaller = maySqueeze || isCompressed ? await compress(plain) : undefined
    const body = smaller ?? plain
    return { type, isCompressed: smaller !== undefined, size, origin, ...seal(type, body, layout.vault) }
  }
}
