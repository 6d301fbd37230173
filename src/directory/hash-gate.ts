const FREE = 0
const LOCK = 0

/**
 * Lets one of all workers through at a time: one password hash in the process. Hashing shares libuv's threads and the
 * processor with the commits of every worker, whichever of them it is that hashes.
 */
export class HashGate {
  readonly #lock: Int32Array
  readonly #token: number

  /** @param shared what `HashGate.shared` made; @param worker number of this worker, unlike that of any other */
  constructor(shared: SharedArrayBuffer = HashGate.shared(), worker = 0) {
    this.#lock = new Int32Array(shared)
    this.#token = worker + 1
  }

  /** Made once, for all workers. */
  static shared(): SharedArrayBuffer {
    return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  }

  /** Resolves when it is this worker's turn, with what ends the turn. Turns of one worker must not overlap. */
  async enter(): Promise<() => void> {
    for (;;) {
      const holder = Atomics.compareExchange(this.#lock, LOCK, FREE, this.#token)
      if (holder === FREE) return () => this.leave()
      await Atomics.waitAsync(this.#lock, LOCK, holder).value
    }
  }

  /** Also for a worker that has ended within its turn. */
  leave(): void {
    if (Atomics.compareExchange(this.#lock, LOCK, this.#token, FREE) === this.#token)
      Atomics.notify(this.#lock, LOCK, 1)
  }
}
