/**
 * What the threads of one process share about one store, in a SharedArrayBuffer. Every access is an Atomics operation,
 * so all threads see all of them in one order.
 */
import { threadEnding } from './faults.ts'

/** Threads that may have the store open at the same time, those of an older generation included. */
export const MAX_SLOTS = 64
/** Scopes are hashed onto this many locks: two that meet on one wait for each other without need, nothing worse. */
const LOCKS = 8192

const NEXT_SEQUENCE = 0
const NEXT_SEGMENT = 1
const FAILED = 2
const TASKS = { sweep: 3, compact: 4 } as const
const SLOTS_USED = 5
const GLOBALS = 8
/** Topics are hashed onto this many counts of watchers: two that meet on one are posted without need, nothing worse. */
const TOPICS = 4096

/** Work that one thread at a time does for the whole store. */
export type Task = keyof typeof TASKS
/** Who holds a task and has no slot: beyond every index of one. */
export const OWNER = MAX_SLOTS + 1

const FIELDS = { worker: 0, segment: 1, synced: 2, relaxedEnd: 3, isEnding: 4, isUncut: 5 } as const
const SLOT_WORDS = 8
const FREE = 0n

/** What is passed to the workers. */
export interface SharedBuffers {
  readonly words: SharedArrayBuffer
  readonly locks: SharedArrayBuffer
  readonly watchers: SharedArrayBuffer
}

/** Something another slot has made visible and not yet synced. */
export interface Unsynced {
  readonly segment: number
  readonly end: number
}

export class SharedState {
  readonly buffers: SharedBuffers
  readonly locks: Int32Array
  /** One lock beside those of the scopes: a thread that holds scopes may wait for it. */
  readonly frameLock: Int32Array
  /** How many watch a topic, over all threads, by the topic's hash. */
  readonly watchers: Int32Array
  readonly #words: BigInt64Array

  constructor(buffers?: SharedBuffers) {
    this.buffers = buffers ?? {
      words: new SharedArrayBuffer(8 * (GLOBALS + MAX_SLOTS * SLOT_WORDS)),
      locks: new SharedArrayBuffer(4 * (LOCKS + 1)),
      watchers: new SharedArrayBuffer(4 * TOPICS),
    }
    this.#words = new BigInt64Array(this.buffers.words)
    this.locks = new Int32Array(this.buffers.locks, 0, LOCKS)
    this.frameLock = new Int32Array(this.buffers.locks, 4 * LOCKS, 1)
    this.watchers = new Int32Array(this.buffers.watchers)
  }

  /** Where numbering goes on after recovery. */
  begin(nextSequence: bigint, nextSegment: number): void {
    Atomics.store(this.#words, NEXT_SEQUENCE, nextSequence)
    Atomics.store(this.#words, NEXT_SEGMENT, BigInt(nextSegment))
  }

  takeSequence(): bigint {
    return Atomics.add(this.#words, NEXT_SEQUENCE, 1n)
  }

  get nextSequence(): bigint {
    return Atomics.load(this.#words, NEXT_SEQUENCE)
  }

  get nextSegment(): number {
    return Number(Atomics.load(this.#words, NEXT_SEGMENT))
  }

  takeSegment(): number {
    return Number(Atomics.add(this.#words, NEXT_SEGMENT, 1n))
  }

  /** A sync has failed somewhere: no thread may acknowledge anything any more. */
  fail(): void {
    Atomics.store(this.#words, FAILED, 1n)
  }

  get hasFailed(): boolean {
    return Atomics.load(this.#words, FAILED) !== 0n
  }

  /** Takes the task on; false when another thread is at it. @param by index of its slot, or OWNER */
  begins(task: Task, by: number): boolean {
    return Atomics.compareExchange(this.#words, TASKS[task], FREE, BigInt(by) + 1n) === FREE
  }

  /** The task is done, or its thread is gone. Nothing happens when another has it. */
  ends(task: Task, by: number): void {
    Atomics.compareExchange(this.#words, TASKS[task], BigInt(by) + 1n, FREE)
  }

  /** Takes a free slot for a thread. @throws RangeError when all are taken */
  claim(worker: number): Slot {
    for (let index = 0; index < MAX_SLOTS; index++) {
      const at = GLOBALS + index * SLOT_WORDS
      // Before it is taken: who looks at the slots must not overlook one.
      this.#lookUpTo(index)
      if (Atomics.compareExchange(this.#words, at + FIELDS.worker, FREE, BigInt(worker) + 1n) === FREE) {
        return new Slot(this.#words, index)
      }
    }
    throw new RangeError(`more than ${MAX_SLOTS} threads have the store open`)
  }

  /** The slots that threads hold, with the number of the worker. */
  claimed(): Slot[] {
    const slots: Slot[] = []
    for (let index = 0, used = this.#slotsUsed; index < used; index++) {
      const slot = new Slot(this.#words, index)
      if (slot.worker !== undefined) slots.push(slot)
    }
    return slots
  }

  /** Commits of other threads that can be seen but could still be lost. */
  unsyncedBeside(own: Slot): Unsynced[] {
    const found: Unsynced[] = []
    for (let index = 0, used = this.#slotsUsed; index < used; index++) {
      if (index === own.index) continue
      const at = GLOBALS + index * SLOT_WORDS
      if (Atomics.load(this.#words, at + FIELDS.worker) === FREE) continue
      const unsynced = new Slot(this.#words, index).unsynced()
      if (unsynced !== undefined) found.push(unsynced)
    }
    return found
  }

  /** Beyond it no slot was ever taken. */
  get #slotsUsed(): number {
    return Number(Atomics.load(this.#words, SLOTS_USED))
  }

  #lookUpTo(index: number): void {
    const wanted = BigInt(index) + 1n
    let used = Atomics.load(this.#words, SLOTS_USED)
    while (used < wanted) {
      const before = Atomics.compareExchange(this.#words, SLOTS_USED, used, wanted)
      if (before === used) return
      used = before
    }
  }
}

/** One thread's row: the segment it writes, and how far. Only its thread writes it, or the supervisor when that is gone. */
export class Slot {
  readonly index: number
  readonly #words: BigInt64Array
  readonly #at: number

  constructor(words: BigInt64Array, index: number) {
    this.index = index
    this.#words = words
    this.#at = GLOBALS + index * SLOT_WORDS
  }

  /** The worker that holds it; undefined when it is free. */
  get worker(): number | undefined {
    const value = this.#load(FIELDS.worker)
    return value === 0 ? undefined : value - 1
  }

  /** The segment being written; undefined before the first write. */
  get segment(): number | undefined {
    const value = this.#load(FIELDS.segment)
    return value === 0 ? undefined : value - 1
  }

  get synced(): number {
    return this.#load(FIELDS.synced)
  }

  set synced(end: number) {
    this.#store(FIELDS.synced, end)
  }

  /** End of the last commit that was made visible without a sync. */
  set relaxedEnd(end: number) {
    this.#store(FIELDS.relaxedEnd, end)
  }

  /** Everything of the former segment is on disk: goes on with a new one. */
  begin(segment: number, synced: number): void {
    // In this order: who reads the new number must not see what belonged to the old.
    this.#store(FIELDS.relaxedEnd, 0)
    this.#store(FIELDS.segment, 0)
    this.#store(FIELDS.synced, synced)
    this.#store(FIELDS.segment, segment + 1)
  }

  unsynced(): Unsynced | undefined {
    for (;;) {
      const segment = this.segment
      const end = this.#load(FIELDS.relaxedEnd)
      const synced = this.synced
      if (segment !== this.segment) continue
      return segment === undefined || end <= synced ? undefined : { segment, end }
    }
  }

  /**
   * Does what the end of the thread must not cut off.
   * @throws MailError UNAVAILABLE when the thread is being ended
   */
  uncut<T>(work: () => T): T {
    // In this order: who ends the thread says so first, and looks at this then.
    this.#store(FIELDS.isUncut, 1)
    try {
      if (this.#load(FIELDS.isEnding) !== 0) throw threadEnding()
      return work()
    } finally {
      this.#store(FIELDS.isUncut, 0)
    }
  }

  get isUncut(): boolean {
    return this.#load(FIELDS.isUncut) !== 0
  }

  /** Set by the supervisor. */
  set isEnding(isEnding: boolean) {
    this.#store(FIELDS.isEnding, isEnding ? 1 : 0)
  }

  free(): void {
    this.isEnding = false
    this.#store(FIELDS.isUncut, 0)
    this.#store(FIELDS.relaxedEnd, 0)
    this.#store(FIELDS.segment, 0)
    this.#store(FIELDS.worker, 0)
  }

  #load(field: number): number {
    return Number(Atomics.load(this.#words, this.#at + field))
  }

  #store(field: number, value: number): void {
    Atomics.store(this.#words, this.#at + field, BigInt(value))
  }
}
