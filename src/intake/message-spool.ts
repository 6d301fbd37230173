import { Readable } from 'node:stream'
import type { BlobRef, BlobStore, BlobWriter } from '../store/blob-store.ts'
import type { HoldBudget } from './hold-budget.ts'
import { withJoined } from './joined.ts'

/** The fields of ours that stand above a message, each with its CRLF. */
export interface Above {
  /** For local mailboxes alone; always first (RFC 5321 section 4.4). */
  readonly returnPath: Buffer
  readonly received: Buffer
}

/**
 * The bytes of one message on their way into the BlobStore.
 *
 * Which fields checks put above a message is known only when all of it has been seen, and a blob is written once. So a
 * small message (most are) waits in memory, bounded for itself and for all sessions together, and is written once,
 * whole, fields and all; one that is refused is never written. A large one goes to the store as it comes, and is
 * written a second time only when there are fields to add. To leave room in the blob is no way: nobody knows how much,
 * and the filling would be in the message for ever.
 */
export class MessageSpool {
  readonly #blobs: BlobStore
  readonly #budget: HoldBudget
  readonly #holdBytes: number
  readonly #above: Above
  #held: Buffer[] | undefined = []
  #heldBytes = 0
  #writer: BlobWriter | undefined
  #blob: BlobRef | undefined
  #size = 0

  constructor(options: { blobs: BlobStore; budget: HoldBudget; holdBytes: number; above: Above }) {
    this.#blobs = options.blobs
    this.#budget = options.budget
    this.#holdBytes = options.holdBytes
    this.#above = options.above
  }

  /** Octets of the message, the fields above it left out. */
  get size(): number {
    return this.#size
  }

  /** @throws MailError of the BlobStore */
  async write(chunk: Buffer): Promise<void> {
    if (chunk.length === 0) return
    this.#size += chunk.length
    if (this.#held !== undefined) {
      if (this.#size <= this.#holdBytes && this.#budget.take(chunk.length)) {
        this.#heldBytes += chunk.length
        this.#held.push(chunk)
        return
      }
      await this.#spill(this.#held)
    }
    await this.#writer?.write(chunk)
  }

  /** All bytes are here: `open` works from now on. */
  async finish(): Promise<void> {
    if (this.#writer === undefined) return
    this.#blob = await this.#writer.finish()
    this.#writer = undefined
  }

  /** The message without the fields above it. */
  open(): Readable {
    if (this.#held !== undefined) return Readable.from(this.#held, { objectMode: false })
    return this.#blobs.stream(this.#written(), { start: this.#aboveBytes() })
  }

  /**
   * The blob of the message below Return-Path, `stamped` and Received, in that order. The caller owns it.
   * @throws MailError of the BlobStore
   */
  async store(stamped: Buffer): Promise<BlobRef> {
    const { returnPath, received } = this.#above
    if (this.#held !== undefined) {
      const parts = [returnPath, stamped, received, ...this.#held]
      const blob = await withJoined(parts, (bytes) => this.#blobs.write(bytes))
      this.#forget()
      return blob
    }
    const plain = this.#written()
    if (stamped.length === 0) {
      this.#blob = undefined
      return plain
    }
    const writer = await this.#blobs.writer()
    try {
      await writer.write(Buffer.concat([returnPath, stamped, received]))
      for await (const chunk of this.open()) await writer.write(chunk)
      return await writer.finish()
    } catch (error) {
      await writer.abort()
      throw error
    }
  }

  /** Gives up whatever is still here. Safe at any time; never rejects. */
  async discard(): Promise<void> {
    const blob = this.#blob
    const writer = this.#writer
    this.#blob = undefined
    this.#writer = undefined
    this.#forget()
    try {
      await writer?.abort()
      if (blob !== undefined) await this.#blobs.release(blob)
    } catch {
      // The store could not forget it: it is a blob that nobody refers to, which its collector finds.
    }
  }

  async #spill(held: readonly Buffer[]): Promise<void> {
    this.#writer = await this.#blobs.writer()
    await this.#writer.write(Buffer.concat([this.#above.returnPath, this.#above.received, ...held]))
    this.#forget()
  }

  #forget(): void {
    this.#held = undefined
    this.#budget.give(this.#heldBytes)
    this.#heldBytes = 0
  }

  #aboveBytes(): number {
    return this.#above.returnPath.length + this.#above.received.length
  }

  #written(): BlobRef {
    if (this.#blob === undefined) throw new Error('the message was not finished, or is stored already')
    return this.#blob
  }
}
