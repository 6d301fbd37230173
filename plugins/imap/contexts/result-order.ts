import type { SortKeys } from '../search/sort-messages.ts'

/** Results that come or go together, and their place: 0 where the order of the mailbox says it (RFC 5267 section 4.3.3). */
export interface ResultUpdate {
  readonly position: number
  /** In the order of the results. */
  readonly uids: readonly number[]
}

/** A message that becomes a result. */
export interface NewResult {
  readonly uid: number
  /** By which it is sorted; none in the order of the mailbox. */
  readonly keys: SortKeys
}

/** The results of a search, in their order. Updates are right when they are carried out one after the other. */
export interface ResultOrder {
  readonly size: number
  /** About how many octets it takes. */
  readonly bytes: number
  has(uid: number): boolean
  remove(uids: ReadonlySet<number>): readonly ResultUpdate[]
  /** None of them is a result yet. */
  add(results: readonly NewResult[]): readonly ResultUpdate[]
}

const BYTES_OF_UID = 40

/** Results in the order of the mailbox. */
export class MailboxOrder implements ResultOrder {
  readonly #uids: Set<number>

  constructor(uids: Iterable<number>) {
    this.#uids = new Set(uids)
  }

  get size(): number {
    return this.#uids.size
  }

  get bytes(): number {
    return this.#uids.size * BYTES_OF_UID
  }

  has(uid: number): boolean {
    return this.#uids.has(uid)
  }

  remove(uids: ReadonlySet<number>): readonly ResultUpdate[] {
    const gone = [...uids].filter((uid) => this.#uids.delete(uid))
    return inMailboxOrder(gone)
  }

  add(results: readonly NewResult[]): readonly ResultUpdate[] {
    for (const { uid } of results) this.#uids.add(uid)
    return inMailboxOrder(results.map(({ uid }) => uid))
  }
}

function inMailboxOrder(uids: readonly number[]): readonly ResultUpdate[] {
  return uids.length === 0 ? [] : [{ position: 0, uids: [...uids].sort((a, b) => a - b) }]
}

const BYTES_OF_RESULT = 120
const BYTES_OF_CHARACTER = 2

/** Results in the order of a SORT, those that are alike by UID. */
export class SortedOrder implements ResultOrder {
  readonly #compare: (a: NewResult, b: NewResult) => number
  readonly #known: Set<number>
  #results: readonly NewResult[]
  #bytes: number

  /** @param results in their order */
  constructor(compare: (a: SortKeys, b: SortKeys) => number, results: readonly NewResult[]) {
    this.#compare = (a, b) => compare(a.keys, b.keys) || a.uid - b.uid
    this.#results = results
    this.#known = new Set(results.map(({ uid }) => uid))
    this.#bytes = results.reduce((sum, result) => sum + bytesOf(result), 0)
  }

  get size(): number {
    return this.#results.length
  }

  get bytes(): number {
    return this.#bytes
  }

  has(uid: number): boolean {
    return this.#known.has(uid)
  }

  /** From the last to the first: the places of those that are left to be removed stay right. */
  remove(uids: ReadonlySet<number>): readonly ResultUpdate[] {
    const gone = new Set([...uids].filter((uid) => this.#known.delete(uid)))
    if (gone.size === 0) return []
    const updates = runsOf(this.#results, ({ uid }) => gone.has(uid))
    for (const result of this.#results) if (gone.has(result.uid)) this.#bytes -= bytesOf(result)
    this.#results = this.#results.filter(({ uid }) => !gone.has(uid))
    return updates.reverse()
  }

  /** From the first to the last: what comes before a place is there when its turn comes. */
  add(results: readonly NewResult[]): readonly ResultUpdate[] {
    if (results.length === 0) return []
    const added = [...results].sort(this.#compare)
    const merged: NewResult[] = []
    let next = 0
    for (const result of this.#results) {
      for (let one = added[next]; one !== undefined && this.#compare(one, result) < 0; one = added[next]) {
        merged.push(one)
        next += 1
      }
      merged.push(result)
    }
    for (const one of added.slice(next)) merged.push(one)
    const isNew = new Set(added)
    for (const result of added) {
      this.#known.add(result.uid)
      this.#bytes += bytesOf(result)
    }
    this.#results = merged
    return runsOf(merged, (result) => isNew.has(result))
  }
}

function bytesOf({ keys }: NewResult): number {
  const characters = keys.reduce<number>((sum, key) => sum + (typeof key === 'string' ? key.length : 0), 0)
  return BYTES_OF_RESULT + characters * BYTES_OF_CHARACTER
}

/** Neighbours of which the same is true, with the place of the first, counted from 1. */
function runsOf(results: readonly NewResult[], isMeant: (result: NewResult) => boolean): ResultUpdate[] {
  const runs: { position: number; uids: number[] }[] = []
  let isRunning = false
  for (const [at, result] of results.entries()) {
    if (isMeant(result)) {
      if (isRunning) runs.at(-1)?.uids.push(result.uid)
      else runs.push({ position: at + 1, uids: [result.uid] })
      isRunning = true
    } else isRunning = false
  }
  return runs
}
