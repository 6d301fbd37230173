import { randomFillSync } from 'node:crypto'

/** What a fetch brings: one by one random octets cost more than what they are for. */
const TIMES = 512

/** Random octets of one length, fetched from the system in bulk. */
export class RandomOctets {
  readonly #octets: number
  readonly #pool: Buffer
  #used: number

  constructor(octets: number) {
    this.#octets = octets
    this.#pool = Buffer.alloc(octets * TIMES)
    this.#used = this.#pool.length
  }

  /** @returns octets that nobody else gets; good until the next call */
  next(): Buffer {
    if (this.#used === this.#pool.length) {
      randomFillSync(this.#pool)
      this.#used = 0
    }
    this.#used += this.#octets
    return this.#pool.subarray(this.#used - this.#octets, this.#used)
  }
}
