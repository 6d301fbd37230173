import type { Entry, Key, Range } from 'mailserver'
import type { Op } from '../segments/commit-frame.ts'
import { hashOf, type KeyHash, KeyMap } from './key-map.ts'

export interface Write extends Op {
  readonly hash: KeyHash
}

/** What a transaction has written so far, the last word on each key. */
export class WriteSet {
  readonly #byKey = new KeyMap<Write>()
  #all: readonly Write[] | undefined

  get size(): number {
    return this.#byKey.size
  }

  /** The write to this key, if there was one. Its value is undefined when it was deleted. */
  find(key: Key, hash: KeyHash): Write | undefined {
    return this.#byKey.get(key, hash)
  }

  /** Keeps the buffers themselves: whoever wrote them does not change them any more. */
  set(key: Key, value: Buffer | undefined): void {
    const hash = hashOf(key)
    this.#all = undefined
    this.#byKey.set(key, hash, { key, hash, value })
  }

  all(): readonly Write[] {
    this.#all ??= this.#byKey.values()
    return this.#all
  }

  /** Lays the writes within the range over `found`, as they are now. Returns whether there are any. */
  layOver(found: KeyMap<Write>, range: Range): boolean {
    let isAny = false
    for (const write of this.#byKey.values()) {
      if (!contains(range, write.key)) continue
      found.set(write.key, write.hash, write)
      isAny = true
    }
    return isAny
  }
}

/** In the direction of the range. */
export function inDirection({ reverse }: Range, ops: Iterable<Op>): Op[] {
  const sign = reverse ? -1 : 1
  return [...ops].sort((a, b) => sign * a.key.compare(b.key))
}

/** Lays writes over entries of the store; both are in the direction of the range. At most `limit` come out. */
export async function* overlay(
  stored: AsyncIterable<readonly Entry[]>,
  writes: readonly Op[],
  { reverse, limit = Number.POSITIVE_INFINITY }: Range,
): AsyncGenerator<readonly Entry[]> {
  const sign = reverse ? -1 : 1
  let at = 0
  let left = limit
  const takeUntil = (key: Key | undefined, into: Entry[]): void => {
    for (let op = writes[at]; op !== undefined; op = writes[++at]) {
      if (key !== undefined && sign * op.key.compare(key) >= 0) return
      if (op.value !== undefined) into.push([op.key, op.value])
    }
  }
  for await (const batch of stored) {
    const merged: Entry[] = []
    for (const entry of batch) {
      takeUntil(entry[0], merged)
      // The last word on this key comes in its turn, with the next call.
      if (writes[at]?.key.equals(entry[0]) !== true) merged.push(entry)
    }
    const given = merged.length > left ? merged.slice(0, left) : merged
    left -= given.length
    if (given.length > 0) yield given
    if (left === 0) return
  }
  const rest: Entry[] = []
  takeUntil(undefined, rest)
  const given = rest.slice(0, left)
  if (given.length > 0) yield given
}

function contains({ gte, gt, lt, lte }: Range, key: Key): boolean {
  if (gte !== undefined && key.compare(gte) < 0) return false
  if (gt !== undefined && key.compare(gt) <= 0) return false
  if (lt !== undefined && key.compare(lt) >= 0) return false
  return lte === undefined || key.compare(lte) <= 0
}
