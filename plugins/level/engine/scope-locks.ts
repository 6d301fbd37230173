import { crc32 } from 'node:zlib'
import { MailError } from 'mailserver'

const CONTENDED = 0x4000_0000
/** How often a thread hands a lock from one of its own waiters to the next before other threads get their turn. */
const HANDOVERS = 16
/** A wait is looked at again after this, in case a notification went to a thread that has died. */
const RECHECK_MS = 500
/** How long a lock that was given up for another thread waits to be taken: that thread may be busy, or dead. */
const GIVE_WAY_MS = 50

/** A stay in scopes: first inside, alone; then, once it has passed them on, on its way out behind others. */
export interface Turn {
  /** Lets the next one of this thread in. Other threads stay out. */
  pass(): void
  /** Does another thread wait for it to be over? */
  isAwaited(): boolean
  /** It is over; other threads may come in once that is so for everyone of this thread. Passes first if need be. */
  end(): void
}

interface Held {
  /** Waiters of this thread, in the order they came. */
  readonly waiting: (() => void)[]
  /** Somebody of this thread is inside, or will be as soon as the word is this thread's. */
  isTaken: boolean
  /** Turns that were passed on and are not over. */
  passed: number
  handovers: number
}

/**
 * Mutual exclusion by scope across all threads. A lock word holds 0, or the owner's number with a bit that says that
 * somebody waits. Within a thread the waiters queue up in order, and only the first contends with other threads. What is
 * handed on within the thread is the inside alone: the word stays until every turn is over.
 */
export class ScopeLocks {
  readonly #words: Int32Array
  readonly #owner: number
  /** By the place of the word. */
  readonly #held: (Held | undefined)[]
  #isClosed = false

  /** @param owner number of this thread, 1 or more */
  constructor(words: Int32Array, owner: number) {
    this.#words = words
    this.#owner = owner
    this.#held = new Array<Held | undefined>(words.length).fill(undefined)
  }

  /** Takes every scope, in an order that is the same for everybody. @throws MailError UNAVAILABLE once closed */
  acquire(scopes: readonly string[]): Promise<Turn> {
    const [first, ...more] = scopes
    if (first !== undefined && more.length === 0) return this.#acquire([this.#indexOf(first)])
    const indexes = new Set(scopes.map((scope) => this.#indexOf(scope)))
    return this.#acquire([...indexes].sort((a, b) => a - b))
  }

  /** Takes every scope there is: nobody is inside, and of other threads nobody is on the way out. @throws as acquire */
  acquireAll(): Promise<Turn> {
    return this.#acquire([...this.#words.keys()])
  }

  async #acquire(indexes: readonly number[]): Promise<Turn> {
    for (const index of indexes) {
      const pending = this.#take(index)
      if (pending !== undefined) await pending
      // What it took before is given back already.
      if (this.#isClosed) throw new MailError('UNAVAILABLE', 'the store is closed')
    }
    let state: 'inside' | 'passed' | 'over' = 'inside'
    const pass = () => {
      if (state !== 'inside') return
      state = 'passed'
      for (const index of indexes) this.#pass(index)
    }
    const end = () => {
      pass()
      if (state === 'over') return
      state = 'over'
      for (const index of indexes) this.#end(index)
    }
    return { pass, end, isAwaited: () => indexes.some((index) => this.#isContended(index)) }
  }

  /** Gives everything back, whoever is still inside: nothing can be written any more. */
  close(): void {
    this.#isClosed = true
    ScopeLocks.freeOwner(this.#words, this.#owner)
    for (const held of this.#held) for (const wake of held?.waiting.splice(0) ?? []) wake()
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

  #indexOf(scope: string): number {
    return crc32(scope) % this.#words.length
  }

  #take(index: number): Promise<void> | undefined {
    const held = this.#held[index]
    if (held === undefined) {
      this.#held[index] = { waiting: [], isTaken: true, passed: 0, handovers: 0 }
      return this.#tryWord(index) ? undefined : this.#contend(index)
    }
    if (held.isTaken || held.waiting.length > 0 || !this.#mayFollow(index, held)) {
      return new Promise((resolve) => held.waiting.push(resolve))
    }
    held.isTaken = true
    return undefined
  }

  #pass(index: number): void {
    const held = this.#held[index] as Held
    held.isTaken = false
    held.passed += 1
    if (held.waiting.length === 0 || !this.#mayFollow(index, held)) return
    held.isTaken = true
    held.waiting.shift()?.()
  }

  #end(index: number): void {
    const held = this.#held[index] as Held
    held.passed -= 1
    if (held.passed > 0 || held.isTaken) return
    const isAwaited = this.#free(index)
    const next = held.waiting.shift()
    if (next === undefined) {
      this.#held[index] = undefined
      return
    }
    held.isTaken = true
    held.handovers = 0
    if (!isAwaited && this.#tryWord(index)) next()
    else void this.#giveWay(index, isAwaited).then(next)
  }

  /** May the next one of this thread go in, or is it the turn of others? */
  #mayFollow(index: number, held: Held): boolean {
    if (held.handovers >= HANDOVERS && this.#isContended(index)) return false
    held.handovers += 1
    return true
  }

  #isContended(index: number): boolean {
    return (Atomics.load(this.#words, index) & CONTENDED) !== 0
  }

  #tryWord(index: number): boolean {
    return this.#isClosed || Atomics.compareExchange(this.#words, index, 0, this.#owner) === 0
  }

  async #contend(index: number): Promise<void> {
    while (!this.#isClosed) {
      // Once it has waited it cannot know whether others still do, so it takes the lock as a contended one.
      const word = Atomics.compareExchange(this.#words, index, 0, this.#owner | CONTENDED)
      if (word === 0) {
        // Whoever gave way waits to see it taken.
        Atomics.notify(this.#words, index)
        return
      }
      const contended = word | CONTENDED
      if (word !== contended && Atomics.compareExchange(this.#words, index, word, contended) !== word) continue
      const wait = Atomics.waitAsync(this.#words, index, contended, RECHECK_MS)
      if (wait.async) await wait.value
    }
  }

  /** A thread that was told needs a moment to wake up: without the wait this one would always be there before it. */
  async #giveWay(index: number, isAwaited: boolean): Promise<void> {
    const wait = isAwaited ? Atomics.waitAsync(this.#words, index, 0, GIVE_WAY_MS) : undefined
    if (wait?.async) await wait.value
    await this.#contend(index)
  }

  /** Returns whether a thread that waits was told. */
  #free(index: number): boolean {
    if (this.#isClosed) return false
    if ((Atomics.exchange(this.#words, index, 0) & CONTENDED) === 0) return false
    return Atomics.notify(this.#words, index, 1) > 0
  }
}
