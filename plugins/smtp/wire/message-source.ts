/** Octets that wait for their reader before the peer is asked to wait. */
const HIGH_WATER_BYTES = 64 * 1024

/**
 * The octets of one message between the socket and who takes them: one reader, pushed chunks, a bounded window. A stream
 * of Node's would do the same at many times the cost of a small message.
 */
export class MessageSource implements AsyncIterableIterator<Buffer> {
  #chunks: Buffer[] = []
  #heldBytes = 0
  #waiting: { resolve(result: IteratorResult<Buffer>): void; reject(reason: Error): void } | undefined
  #onRoom: (() => void) | undefined
  #isEnded = false
  #fault: Error | undefined
  #isGivenUp = false

  /** All octets are here, or never will be. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** What it ended with, when that was no good end. */
  get fault(): Error | undefined {
    return this.#fault
  }

  /** Takes the next octets; after the reader has given up they are forgotten. @returns false when it holds enough for now */
  push(chunk: Buffer): boolean {
    if (this.#isGivenUp || this.#isEnded) return true
    const waiting = this.#waiting
    if (waiting !== undefined) {
      this.#waiting = undefined
      waiting.resolve({ value: chunk, done: false })
      return true
    }
    this.#chunks.push(chunk)
    this.#heldBytes += chunk.length
    return this.#heldBytes < HIGH_WATER_BYTES
  }

  /** Calls back once, when the reader has taken what is held, or wants no more. */
  whenRoom(callback: () => void): void {
    if (this.#heldBytes === 0 || this.#isGivenUp || this.#isEnded) callback()
    else this.#onRoom = callback
  }

  /** @param fault thrown to the reader in place of what it has not read yet */
  end(fault?: Error): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#fault = fault
    if (fault !== undefined) this.#forget()
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting === undefined) return
    if (fault === undefined) waiting.resolve({ value: undefined, done: true })
    else waiting.reject(fault)
  }

  next(): Promise<IteratorResult<Buffer>> {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#heldBytes -= chunk.length
      if (this.#heldBytes === 0) this.#makeRoom()
      return Promise.resolve({ value: chunk, done: false })
    }
    if (this.#fault !== undefined) return Promise.reject(this.#fault)
    if (this.#isEnded || this.#isGivenUp) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  /** The reader wants no more. */
  return(): Promise<IteratorResult<Buffer>> {
    this.#isGivenUp = true
    this.#forget()
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #forget(): void {
    this.#chunks = []
    this.#heldBytes = 0
    this.#makeRoom()
  }

  #makeRoom(): void {
    const onRoom = this.#onRoom
    this.#onRoom = undefined
    onRoom?.()
  }
}
