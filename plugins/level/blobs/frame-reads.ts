import { read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { MailError } from 'mailserver'
import type { Database } from '../engine/database.ts'
import { faultOf } from '../faults.ts'
import { type Layout, segmentPath } from '../layout.ts'
import {
  BLOCK_BYTES,
  damagedBlock,
  decodeHead,
  FRAME,
  type FrameHead,
  frameBytes,
  headBytes,
  type Place,
} from '../segments/frame.ts'
import type { SegmentFiles } from '../segments/segment-files.ts'
import type { Vault } from '../vault/vault.ts'
import { moved } from './forwards.ts'
import { payloadBytes, type StoredFrame } from './stored-frame.ts'
import { type BlobFrameType, openBody, unwrap } from './wrapping.ts'

const readLater = promisify(read)

/** Up to this much is read at once: from the page cache it takes less than a turn over the thread pool. */
const READ_AT_ONCE_BYTES = 128 * 1024
/** A read that took longer came from the disk. Those that follow probably do too, and go to the thread pool for a while. */
const SLOW_MS = 2
const COLD_READS = 64

export interface FrameReadsParts {
  readonly layout: Layout
  readonly files: SegmentFiles
  readonly db: Database
  readonly vault: Vault | undefined
}

/** Reads frames with message bytes, or parts of them, wherever they were moved to, and proves what it reads. */
export class FrameReads {
  readonly #parts: FrameReadsParts
  readonly #layout: Layout
  readonly #files: SegmentFiles
  /** Segments that are gone, their frames moved. */
  readonly #gone = new Set<number>()
  #cold = 0

  constructor(parts: FrameReadsParts) {
    this.#parts = parts
    this.#layout = parts.layout
    this.#files = parts.files
  }

  /**
   * Octets `start` to `end` of what was written.
   * @throws MailError NOT_FOUND, CORRUPT, UNAVAILABLE
   */
  async read(frame: StoredFrame, type: BlobFrameType, start = 0, end = frame.size): Promise<Buffer> {
    for (let at = this.locate(frame); ; ) {
      try {
        return at.stored === 0
          ? await this.#readPlain(at, type, start, end)
          : await this.#readWrapped(at, type, start, end)
      } catch (fault) {
        const next = this.movedFrom(frame, fault)
        if (next === undefined || (next.segment === at.segment && next.offset === at.offset)) throw fault
        at = next
      }
    }
  }

  /** Where the frame is, as far as that is known without trying. */
  locate<F extends StoredFrame>(frame: F): F {
    if (!this.#gone.has(frame.segment)) return frame
    return moved(this.#parts.db, frame) ?? frame
  }

  /** Where the frame is now, after a read of it has failed; undefined when the fault is another. */
  movedFrom<F extends StoredFrame>(frame: F, fault: unknown): F | undefined {
    if (!(fault instanceof MailError && fault.code === 'NOT_FOUND')) return undefined
    const next = moved(this.#parts.db, frame)
    if (next !== undefined) this.#gone.add(frame.segment)
    return next
  }

  /**
   * Octets of a segment from `start` on, unproven, as many as there is room for; fewer where the file ends.
   * @throws MailError NOT_FOUND, UNAVAILABLE
   */
  span(segment: number, start: number, room: Buffer): Promise<Buffer> {
    return this.#pread({ segment, offset: start }, start, room)
  }

  /**
   * What was written, or a range of it, out of a frame, proven. It may share memory with `bytes`.
   * @param bytes begins with the frame, and has it at least to the end of the block in which the range ends; all of it when
   * what is stored is something else
   * @throws MailError CORRUPT
   */
  open(frame: StoredFrame, type: BlobFrameType, bytes: Buffer, range = { start: 0, end: frame.size }): Buffer {
    const length = payloadBytes(frame)
    const head = this.#head(frame, bytes)
    if (head.type !== (frame.stored === 0 ? type : FRAME.wrapped) || head.length !== length) {
      throw this.#corrupt(frame, 'holds another frame')
    }
    const { start, end } = range
    const isPlain = frame.stored === 0
    const firstBlock = isPlain ? Math.floor(start / BLOCK_BYTES) : 0
    const from = firstBlock * BLOCK_BYTES
    const to = isPlain ? Math.min(length, Math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES) : length
    const payload = bytes.subarray(head.headSize + from, head.headSize + to)
    const damaged = payload.length < to - from ? firstBlock : damagedBlock(head, payload, firstBlock)
    if (damaged !== -1) throw this.#corrupt(frame, `is damaged in block ${damaged}`)
    if (isPlain) return from === start && to === end ? payload : payload.subarray(start - from, end - from)
    const wrapped = unwrap(payload)
    if (wrapped?.type !== type || wrapped.size !== frame.size) throw this.#corrupt(frame, 'holds something else')
    const body = openBody(wrapped, this.#parts.vault)
    return end - start === body.length ? body : body.subarray(start, end)
  }

  async #readWrapped(frame: StoredFrame, type: BlobFrameType, start: number, end: number): Promise<Buffer> {
    const bytes = await this.#pread(frame, frame.offset, Buffer.allocUnsafe(frameBytes(frame.stored)))
    return this.open(frame, type, bytes, { start, end })
  }

  async #readPlain(place: StoredFrame, type: BlobFrameType, start: number, end: number): Promise<Buffer> {
    const length = place.size
    const headSize = headBytes(length)
    const firstBlock = Math.floor(start / BLOCK_BYTES)
    const from = firstBlock * BLOCK_BYTES
    const to = Math.min(length, Math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES)
    // One read for both, unless that would read much that nobody wants.
    const isNear = from <= BLOCK_BYTES
    const first = await this.#pread(place, place.offset, Buffer.allocUnsafe(isNear ? headSize + to : headSize))
    const head = this.#head(place, first)
    if (head.type !== type || head.length !== length) throw this.#corrupt(place, 'holds another frame')
    const blocks = isNear
      ? first.subarray(headSize + from, headSize + to)
      : await this.#pread(place, place.offset + headSize + from, Buffer.allocUnsafe(to - from))
    const damaged = blocks.length < to - from ? firstBlock : damagedBlock(head, blocks, firstBlock)
    if (damaged !== -1) throw this.#corrupt(place, `is damaged in block ${damaged}`)
    return blocks.subarray(start - from, end - from)
  }

  #head(place: Place, bytes: Buffer): FrameHead {
    const head = decodeHead(this.#layout.marker, place, bytes)
    if (head === undefined) throw this.#corrupt(place, 'is damaged in its head')
    return head
  }

  #corrupt({ segment, offset }: Place, what: string): MailError {
    return new MailError('CORRUPT', `${segmentPath(this.#layout, segment)}: the frame at offset ${offset} ${what}`)
  }

  async #pread({ segment }: Place, position: number, bytes: Buffer): Promise<Buffer> {
    const { length } = bytes
    try {
      if (length > READ_AT_ONCE_BYTES || this.#cold > 0) {
        if (this.#cold > 0) this.#cold -= 1
        return await this.#files.use(segment, (fd) => fill(fd, bytes, position))
      }
      const began = performance.now()
      const count = this.#files.useSync(segment, (fd) => readSync(fd, bytes, 0, length, position))
      if (performance.now() - began > SLOW_MS) this.#cold = COLD_READS
      return bytes.subarray(0, count)
    } catch (cause) {
      throw faultOf(cause, `reading ${segmentPath(this.#layout, segment)}`)
    }
  }
}

async function fill(fd: number, bytes: Buffer, position: number): Promise<Buffer> {
  let done = 0
  while (done < bytes.length) {
    const { bytesRead } = await readLater(fd, bytes, done, bytes.length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}
