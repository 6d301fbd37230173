import { SPAN_BYTES } from './read-plan.ts'

const MAX_FREE = 4

/**
 * Buffers for spans, used again: a new one for each megabyte is fresh memory for the system to clear, and a load for the
 * garbage collector.
 */
export class SpanBuffers {
  readonly #free: Buffer[] = []

  /** A buffer of so many octets. */
  take(length: number): Buffer {
    if (length > SPAN_BYTES) return Buffer.allocUnsafe(length)
    return (this.#free.pop() ?? Buffer.allocUnsafeSlow(SPAN_BYTES)).subarray(0, length)
  }

  /** Nobody looks at it any more. @param buffer that `take` gave, or its beginning */
  give(buffer: Buffer): void {
    if (buffer.buffer.byteLength !== SPAN_BYTES || this.#free.length === MAX_FREE) return
    this.#free.push(Buffer.from(buffer.buffer))
  }
}
