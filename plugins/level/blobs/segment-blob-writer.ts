import type { BlobRef, BlobWriter } from 'mailserver'
import { MailError } from 'mailserver'
import { FRAME } from '../segments/frame.ts'
import { formatBlobRef } from './blob-ref.ts'
import type { FrameWrites } from './frame-writes.ts'
import { encodeManifest, PART_BYTES, type Part } from './manifest.ts'

const FIRST_BYTES = 8 * 1024

/** Takes a blob as it arrives, and holds one part of it in memory. */
export class SegmentBlobWriter implements BlobWriter {
  readonly #writes: FrameWrites
  readonly #release: (parts: readonly Part[]) => Promise<void>
  readonly #parts: Part[] = []
  #buffer = Buffer.allocUnsafe(FIRST_BYTES)
  #filled = 0
  #size = 0
  #state: 'open' | 'finished' | 'over' = 'open'

  /** @param release gives back the room of parts that will not be needed */
  constructor(writes: FrameWrites, release: (parts: readonly Part[]) => Promise<void>) {
    this.#writes = writes
    this.#release = release
  }

  get size(): number {
    return this.#size
  }

  async write(chunk: Buffer): Promise<void> {
    this.#checkOpen()
    this.#size += chunk.length
    for (let at = 0; at < chunk.length; ) {
      if (this.#filled === PART_BYTES) await this.#writePart()
      const count = Math.min(chunk.length - at, PART_BYTES - this.#filled)
      this.#makeRoom(count)
      chunk.copy(this.#buffer, this.#filled, at, at + count)
      this.#filled += count
      at += count
    }
  }

  async finish(): Promise<BlobRef> {
    this.#checkOpen()
    const size = this.#size
    if (this.#parts.length === 0) {
      const frame = await this.#writes.append(FRAME.blob, this.#buffer.subarray(0, this.#filled))
      this.#state = 'finished'
      return formatBlobRef({ kind: 'whole', ...frame })
    }
    if (this.#filled > 0) await this.#writePart()
    const frame = await this.#writes.append(FRAME.manifest, encodeManifest(this.#parts))
    this.#state = 'finished'
    return formatBlobRef({ kind: 'manifest', ...frame, size })
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'over'
    this.#buffer = Buffer.alloc(0)
    if (this.#parts.length > 0) await this.#release(this.#parts)
  }

  async #writePart(): Promise<void> {
    this.#parts.push(await this.#writes.append(FRAME.chunk, this.#buffer.subarray(0, this.#filled)))
    this.#filled = 0
  }

  #makeRoom(count: number): void {
    const needed = this.#filled + count
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.min(PART_BYTES, Math.max(needed, this.#buffer.length * 4)))
    this.#buffer.copy(larger, 0, 0, this.#filled)
    this.#buffer = larger
  }

  #checkOpen(): void {
    if (this.#state !== 'open') throw new MailError('INVALID', 'the blob is finished: nothing can be added to it')
  }
}
