/**
 * Brings commits from the log into the index, in the order they stand in the segment, several with one batch. With the
 * batch goes the position it reaches: LevelDB's tables hold an exact prefix of its batches, so after a crash the position
 * found there is where replay begins, and nothing is ever applied twice or left out.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { MailError } from 'mailserver'
import { faultOf, isFull } from '../faults.ts'
import type { Op } from '../segments/commit-frame.ts'
import type { Placed } from '../segments/segment-writer.ts'
import type { Slot } from '../shared-state.ts'
import type { Database } from './database.ts'
import { hashOf, KeyMap } from './key-map.ts'
import { encodePosition, positionKey } from './private-keys.ts'

/** A commit on its way. */
export interface Fed {
  readonly place: Placed
  /** 0 for a seal, which is no commit. */
  readonly sequence: bigint
  readonly ops: readonly Op[]
  readonly isSeal: boolean
  /** `ready` once it may be seen: written, and on disk if its caller waits for that. */
  state: 'pending' | 'ready' | 'seen' | 'failed'
  /** Called once: it can be seen, in the order of the places, or with the fault that it never will be. */
  readonly settled: ((fault?: Error) => void) | undefined
  /** The same as a promise, settled after the call. */
  readonly visible: PromiseWithResolvers<void>
}

const MAX_COMMITS = 256
const MAX_OPS = 20_000
/** Commits that nobody waits to see gather for so long: what they all write, such as counters, then goes once. */
const GATHER_MS = 10
/** A full disk may empty again: what is in the log already waits this long for it. */
const RETRY_MS = 250
const RETRIES = 40

export class IndexFeed {
  readonly #db: Database
  readonly #slot: Slot
  readonly #fail: (cause: Error) => void
  #queue: Fed[] = []
  #isRunning = false
  /** The last one that somebody waits to see. */
  #awaited: Fed | undefined
  #gathering: NodeJS.Timeout | undefined
  #lastSequence = 0n
  #stalled: MailError | undefined
  #broken: Error | undefined
  #idle: (() => void)[] = []

  /** @param fail is called when the index can no longer follow the log */
  constructor(db: Database, slot: Slot, fail: (cause: Error) => void) {
    this.#db = db
    this.#slot = slot
    this.#fail = fail
  }

  /** Why nothing moves at the moment; new commits are refused with it. */
  get stalled(): MailError | undefined {
    return this.#stalled
  }

  /** How many are on their way. */
  get behind(): number {
    return this.#queue.length
  }

  /** Takes its turn. What becomes of it is said later, with one of the next three. */
  add(fed: Fed): void {
    if (this.#broken === undefined) this.#queue.push(fed)
    else settle(fed, this.#broken)
  }

  /** @param isAwaited somebody waits to see it */
  ready(fed: Fed, isAwaited = false): void {
    if (fed.state !== 'pending') return
    fed.state = 'ready'
    if (isAwaited) this.hurry()
    else this.#go()
  }

  /** Somebody waits until all that is on its way can be seen: from here on nothing gathers until it is. */
  hurry(): void {
    const last = this.#queue.at(-1)
    if (last === undefined) return
    this.#awaited = last
    this.#go()
  }

  /** It was taken back from the log: what comes later goes on without it. */
  takenBack(fed: Fed, fault: Error): void {
    const at = this.#queue.indexOf(fed)
    if (at === -1) return
    this.#queue.splice(at, 1)
    settle(fed, fault)
    this.#go()
  }

  /** It may not be on disk, and nobody can tell: neither it is shown nor anything behind it, which may stand on it. */
  failFrom(fed: Fed, fault: Error): void {
    const at = this.#queue.indexOf(fed)
    if (at === -1) return
    this.#break(this.#queue.splice(at), fault)
    this.#go()
  }

  /** Resolves when nothing is on its way. */
  async whenIdle(): Promise<void> {
    if (this.#queue.length === 0 && !this.#isRunning) return
    this.hurry()
    await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  get #isAwaited(): boolean {
    return this.#awaited?.state === 'pending' || this.#awaited?.state === 'ready'
  }

  /** Goes on with what is ready: at once, or when it has gathered. */
  #go(): void {
    if (this.#isRunning) return
    if (this.#isAwaited) void this.#run()
    else this.#gathering ??= setTimeout(() => void this.#run(), GATHER_MS)
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    // What one sync has made ready is said one by one, and goes with one batch.
    await undefined
    do {
      const batch = this.#takeReady()
      if (batch.length === 0) break
      try {
        await this.#apply(batch)
      } catch (cause) {
        this.#fail(cause as Error)
        const reason = `the index does not follow the log: ${(cause as Error).message}`
        // Positions must not move past what was not applied: nothing behind it follows.
        this.#break([...batch, ...this.#queue.splice(0)], new MailError('UNAVAILABLE', reason, { cause }))
        break
      }
      for (const fed of batch) settle(fed)
    } while (this.#isAwaited)
    this.#isRunning = false
    if (this.#queue[0]?.state === 'ready') this.#go()
    if (this.#queue.length === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** From here on nothing is applied: a next start does it, as far as it is on disk. */
  #break(lost: readonly Fed[], fault: Error): void {
    this.#broken = fault
    for (const fed of lost) settle(fed, fault)
  }

  #takeReady(): Fed[] {
    const batch: Fed[] = []
    let ops = 0
    for (const fed of this.#queue) {
      if (fed.state !== 'ready' || batch.length === MAX_COMMITS || ops > MAX_OPS) break
      batch.push(fed)
      ops += fed.ops.length
    }
    this.#queue.splice(0, batch.length)
    return batch
  }

  async #apply(batch: readonly Fed[]): Promise<void> {
    const ops = lastOf(batch)
    for (const [at, fed] of batch.entries()) {
      if (fed.sequence !== 0n) this.#lastSequence = fed.sequence
      const isLastOfSegment = batch[at + 1]?.place.segment !== fed.place.segment
      if (!isLastOfSegment) continue
      const { end, tally, segment } = fed.place
      const synced = segment === this.#slot.segment ? this.#slot.synced : end
      const position = { sequence: this.#lastSequence, end, tally, synced, isSealed: fed.isSeal }
      ops.push({ key: positionKey(segment), value: encodePosition(position) })
    }
    for (let tries = 1; ; tries++) {
      try {
        await this.#write(ops)
        this.#stalled = undefined
        return
      } catch (cause) {
        if (!isFull(cause) || tries === RETRIES) throw cause
        this.#stalled = faultOf(cause, 'writing the index')
        await sleep(RETRY_MS)
      }
    }
  }

  /**
   * Handed over one by one: that takes half as long as an array of objects, of which the driver also leaves out what it
   * cannot read when the thread is ended meanwhile.
   */
  #write(ops: readonly Op[]): Promise<void> {
    const batch = this.#db.batch()
    for (const { key, value } of ops) {
      if (value === undefined) batch.del(key)
      else batch.put(key, value)
    }
    return batch.write()
  }
}

/** The last word of these commits on each key. */
function lastOf(batch: readonly Fed[]): Op[] {
  const [first] = batch
  if (first !== undefined && batch.length === 1) return [...first.ops]
  const last = new KeyMap<Op>()
  for (const { ops } of batch) for (const op of ops) last.set(op.key, op.hash ?? hashOf(op.key), op)
  return last.values()
}

function settle(fed: Fed, fault?: Error): void {
  fed.state = fault === undefined ? 'seen' : 'failed'
  fed.settled?.(fault)
  if (fault === undefined) fed.visible.resolve()
  else fed.visible.reject(fault)
}

type BatchOperation = { type: 'put'; key: Buffer; value: Buffer } | { type: 'del'; key: Buffer }

export function operation({ key, value }: Op): BatchOperation {
  return value === undefined ? { type: 'del', key } : { type: 'put', key, value }
}
