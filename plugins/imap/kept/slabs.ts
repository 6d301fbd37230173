const SLAB_BYTES = 64 * 1024

/**
 * Room for many small copies that live long: a buffer of its own for each costs the garbage collector more than its
 * octets, and Node's pool is shared with buffers that do not live long.
 */
export class Slabs {
  #slab: Buffer = Buffer.alloc(0)
  #used = 0

  copy(octets: Buffer): Buffer {
    if (octets.length > SLAB_BYTES / 4) return Buffer.from(octets)
    if (this.#used + octets.length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#used = 0
    }
    const copy = this.#slab.subarray(this.#used, this.#used + octets.length)
    copy.set(octets)
    this.#used += octets.length
    return copy
  }
}
