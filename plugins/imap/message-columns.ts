import type { MessageState, StateColumns } from 'mailserver'
import { FlagSets } from './flag-sets.ts'

const FIRST_CAPACITY = 64

/**
 * What is known of the messages of a mailbox, in columns ordered by UID: 28 octets a message. The UID column is never
 * changed below `count` but replaced, so that whoever holds it may go on with it.
 */
export class MessageColumns {
  readonly flagSets = new FlagSets()
  #uids: Uint32Array = new Uint32Array(FIRST_CAPACITY)
  #flags: Uint32Array = new Uint32Array(FIRST_CAPACITY)
  #sizes: Uint32Array = new Uint32Array(FIRST_CAPACITY)
  #modSeqs: Float64Array = new Float64Array(FIRST_CAPACITY)
  #dates: Float64Array = new Float64Array(FIRST_CAPACITY)
  #count = 0
  /** Every message before this row is seen: found by the first client that asks, and kept by what changes. */
  #seenUpTo = 0

  /** Begins with all messages of a mailbox; the arrays become this object's own. */
  take({ count, uids, flags, flagSets, sizes, modSeqs, internalDates }: StateColumns): void {
    const ids = flagSets.map((set) => this.flagSets.idOf(set))
    for (let row = 0; row < count; row++) flags[row] = ids[flags[row] as number] as number
    this.#uids = uids
    this.#flags = flags
    this.#sizes = sizes
    this.#modSeqs = modSeqs
    this.#dates = internalDates
    this.#count = count
    this.#seenUpTo = 0
  }

  get count(): number {
    return this.#count
  }
  /** Valid up to `count`. */
  get uids(): Uint32Array {
    return this.#uids
  }

  /** Row of a UID, or -1. `hint` is where it probably is. */
  rowOf(uid: number, hint: number): number {
    if (hint < this.#count && this.#uids[hint] === uid) return hint
    const row = lowerBound(this.#uids, this.#count, uid)
    return row < this.#count && this.#uids[row] === uid ? row : -1
  }

  /** Number of the message's set of flags. */
  flagsAt(row: number): number {
    return this.#flags[row] as number
  }
  sizeAt(row: number): number {
    return this.#sizes[row] as number
  }
  dateAt(row: number): number {
    return this.#dates[row] as number
  }
  modSeqAt(row: number): number {
    return this.#modSeqs[row] as number
  }

  /** Row of the first message without `\Seen`; -1 when there is none. */
  firstUnseen(): number {
    const { flagSets } = this
    const flags = this.#flags
    let row = this.#seenUpTo
    while (row < this.#count && flagSets.isSeen(flags[row] as number)) row += 1
    this.#seenUpTo = row
    return row === this.#count ? -1 : row
  }

  /** @returns false when the row is as new already */
  update(row: number, state: MessageState): boolean {
    const modSeq = Number(state.modSeq)
    if ((this.#modSeqs[row] as number) >= modSeq) return false
    const flags = this.flagSets.idOf(state.flags)
    this.#modSeqs[row] = modSeq
    this.#flags[row] = flags
    if (row < this.#seenUpTo && !this.flagSets.isSeen(flags)) this.#seenUpTo = row
    return true
  }

  /** The state's UID is above all others. */
  add(state: MessageState): void {
    this.reserve(this.#count + 1)
    const row = this.#count
    this.#uids[row] = state.uid
    this.#flags[row] = this.flagSets.idOf(state.flags)
    this.#sizes[row] = state.size
    this.#modSeqs[row] = Number(state.modSeq)
    this.#dates[row] = state.internalDate
    this.#count += 1
  }

  remove(uids: ReadonlySet<number>): void {
    const before = this.#uids
    this.#uids = new Uint32Array(before.length)
    let to = 0
    const seenUpTo = this.#seenUpTo
    for (let from = 0; from < this.#count; from++) {
      const uid = before[from] as number
      if (uids.has(uid)) {
        if (from < seenUpTo) this.#seenUpTo -= 1
        continue
      }
      this.#uids[to] = uid
      this.#flags[to] = this.#flags[from] as number
      this.#sizes[to] = this.#sizes[from] as number
      this.#modSeqs[to] = this.#modSeqs[from] as number
      this.#dates[to] = this.#dates[from] as number
      to += 1
    }
    this.#count = to
  }

  /** Makes room for so many messages. */
  reserve(capacity: number): void {
    if (capacity <= this.#uids.length) return
    const length = Math.max(capacity, this.#uids.length * 2, FIRST_CAPACITY)
    this.#uids = copied(this.#uids, new Uint32Array(length))
    this.#flags = copied(this.#flags, new Uint32Array(length))
    this.#sizes = copied(this.#sizes, new Uint32Array(length))
    this.#modSeqs = copied(this.#modSeqs, new Float64Array(length))
    this.#dates = copied(this.#dates, new Float64Array(length))
  }
}

/** First index in a rising column whose value is not below `value`. */
export function lowerBound(column: Uint32Array, count: number, value: number): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((column[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}

function copied<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
