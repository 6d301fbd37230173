const SMALL_BYTES = 1024
const SLAB_BYTES = 4 * 1024

/**
 * The same octets in chunks that are worth their overhead: a peer that sends an octet at a time would otherwise cost a
 * hundred times what it sends. Large chunks pass through uncopied.
 */
export class Coalescer {
  #slab: Buffer | undefined
  #used = 0

  /** @returns the chunks that are ready now, in order */
  push(chunk: Buffer): readonly Buffer[] {
    const isLarge = chunk.length >= SMALL_BYTES
    if (this.#slab === undefined && isLarge) return [chunk]
    const ready = isLarge || this.#used + chunk.length > SLAB_BYTES ? this.end() : []
    if (isLarge) return [...ready, chunk]
    if (this.#slab === undefined) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#used = 0
    }
    this.#used += chunk.copy(this.#slab, this.#used)
    return ready
  }

  /** What is left when there is no more. */
  end(): readonly Buffer[] {
    const slab = this.#slab
    this.#slab = undefined
    return slab === undefined ? [] : [slab.subarray(0, this.#used)]
  }
}
