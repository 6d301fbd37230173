import { crc32 } from 'node:zlib'

const CONTENDED = 0x4000_0000
/** How often a thread hands a lock from one of its own waiters to the next before other threads get their turn. */
const HANDOVERS = 16
/** A wait is looked at again after this, in case a notification went to a thread that has died. */
const RECHECK_MS = 500

interface Held {
  /** Waiters of this thread, in the order they came. */
  readonly waiting: (() => void)[]
  handovers: number
}

/**
 * Mutual exclusion by scope across all threads. A lock word holds 0, or the owner's number with a bit that says that
 * somebody waits. Within a thread the waiters queue up in order, and only the first contends with other threads.
 */
export class ScopeLocks {
  readonly #words: Int32Array
  readonly #owner: number
  readonly #held = new Map<number, Held>()

  /** @param owner number of this thread, 1 or more */
  constructor(words: Int32Array, owner: number) {
    this.#words = words
    this.#owner = owner
  }

  /** Takes every scope, in an order that is the same for everybody. The returned function gives them back. */
  async acquire(scopes: readonly string[]): Promise<() => void> {
    const indexes = [...new Set(scopes.map((scope) => crc32(scope) % this.#words.length))].sort((a, b) => a - b)
    for (const index of indexes) {
      const pending = this.#take(index)
      if (pending !== undefined) await pending
    }
    let isReleased = false
    return () => {
      if (isReleased) return
      isReleased = true
      for (const index of indexes) this.#release(index)
    }
  }

  /** Gives back what a dead thread held. */
  static freeOwner(words: Int32Array, owner: number): void {
    for (let index = 0; index < words.length; index++) {
      const word = Atomics.load(words, index)
      if ((word & ~CONTENDED) !== owner) continue
      Atomics.store(words, index, 0)
      Atomics.notify(words, index)
    }
  }

  #take(index: number): Promise<void> | undefined {
    const held = this.#held.get(index)
    if (held !== undefined) return new Promise((resolve) => held.waiting.push(resolve))
    this.#held.set(index, { waiting: [], handovers: 0 })
    if (Atomics.compareExchange(this.#words, index, 0, this.#owner) === 0) return undefined
    return this.#contend(index)
  }

  async #contend(index: number): Promise<void> {
    for (;;) {
      // Once it has waited it cannot know whether others still do, so it takes the lock as a contended one.
      const word = Atomics.compareExchange(this.#words, index, 0, this.#owner | CONTENDED)
      if (word === 0) return
      const contended = word | CONTENDED
      if (word !== contended && Atomics.compareExchange(this.#words, index, word, contended) !== word) continue
      const wait = Atomics.waitAsync(this.#words, index, contended, RECHECK_MS)
      if (wait.async) await wait.value
    }
  }

  #release(index: number): void {
    const held = this.#held.get(index) as Held
    const next = held.waiting.shift()
    if (next === undefined) {
      this.#held.delete(index)
      this.#free(index)
    } else if (held.handovers < HANDOVERS || (Atomics.load(this.#words, index) & CONTENDED) === 0) {
      held.handovers += 1
      next()
    } else {
      held.handovers = 0
      this.#free(index)
      void this.#contend(index).then(next)
    }
  }

  #free(index: number): void {
    if ((Atomics.exchange(this.#words, index, 0) & CONTENDED) !== 0) Atomics.notify(this.#words, index, 1)
  }
}
