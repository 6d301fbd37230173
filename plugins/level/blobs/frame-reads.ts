import { read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { MailError } from 'mailserver'
import { faultOf } from '../faults.ts'
import { type Layout, segmentPath } from '../layout.ts'
import {
  BLOCK_BYTES,
  damagedBlock,
  decodeHead,
  type FrameHead,
  type FrameType,
  headBytes,
  type Place,
} from '../segments/frame.ts'
import type { SegmentFiles } from '../segments/segment-files.ts'

const readLater = promisify(read)

/** Up to this much is read at once: from the page cache it takes less than a turn over the thread pool. */
const READ_AT_ONCE_BYTES = 128 * 1024
/** A read that took longer came from the disk. Those that follow probably do too, and go to the thread pool for a while. */
const SLOW_MS = 2
const COLD_READS = 64

/** Reads parts of frames, and proves what it reads. */
export class FrameReads {
  readonly #layout: Layout
  readonly #files: SegmentFiles
  #cold = 0

  constructor(layout: Layout, files: SegmentFiles) {
    this.#layout = layout
    this.#files = files
  }

  /**
   * Octets `start` to `end` of the payload of a frame whose type and length are known.
   * @throws MailError NOT_FOUND, CORRUPT, UNAVAILABLE
   */
  async read(
    place: Place,
    { type, length }: { type: FrameType; length: number },
    start = 0,
    end = length,
  ): Promise<Buffer> {
    const headSize = headBytes(length)
    const firstBlock = Math.floor(start / BLOCK_BYTES)
    const from = firstBlock * BLOCK_BYTES
    const to = Math.min(length, Math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES)
    // One read for both, unless that would read much that nobody wants.
    const isNear = from <= BLOCK_BYTES
    const first = await this.#pread(place, place.offset, isNear ? headSize + to : headSize)
    const head = this.#head(place, first)
    if (head.type !== type || head.length !== length) throw this.#corrupt(place, 'holds another frame')
    const blocks = isNear
      ? first.subarray(headSize + from, headSize + to)
      : await this.#pread(place, place.offset + headSize + from, to - from)
    const damaged = blocks.length < to - from ? firstBlock : damagedBlock(head, blocks, firstBlock)
    if (damaged !== -1) throw this.#corrupt(place, `is damaged in block ${damaged}`)
    return blocks.subarray(start - from, end - from)
  }

  /** Octets `start` to `end` of a segment, unproven; fewer where the file ends. @throws MailError NOT_FOUND, UNAVAILABLE */
  span(segment: number, start: number, end: number): Promise<Buffer> {
    return this.#pread({ segment, offset: start }, start, end - start)
  }

  /**
   * The payload of a frame that was read as a whole, proven. It shares memory with `bytes`.
   * @param bytes begins with the frame
   * @throws MailError CORRUPT
   */
  payload(place: Place, { type, length }: { type: FrameType; length: number }, bytes: Buffer): Buffer {
    const head = this.#head(place, bytes)
    if (head.type !== type || head.length !== length) throw this.#corrupt(place, 'holds another frame')
    const payload = bytes.subarray(head.headSize, head.headSize + length)
    const damaged = payload.length < length ? 0 : damagedBlock(head, payload)
    if (damaged !== -1) throw this.#corrupt(place, `is damaged in block ${damaged}`)
    return payload
  }

  #head(place: Place, bytes: Buffer): FrameHead {
    const head = decodeHead(this.#layout.marker, place, bytes)
    if (head === undefined) throw this.#corrupt(place, 'is damaged in its head')
    return head
  }

  #corrupt({ segment, offset }: Place, what: string): MailError {
    return new MailError('CORRUPT', `${segmentPath(this.#layout, segment)}: the frame at offset ${offset} ${what}`)
  }

  async #pread({ segment }: Place, position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length)
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
