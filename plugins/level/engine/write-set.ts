import type { Entry, Key, Range } from 'mailserver'
import type { Op } from '../segments/commit-frame.ts'

/** What a transaction has written so far, the last word on each key. */
export class WriteSet {
  readonly #byKey = new Map<string, Op>()

  get size(): number {
    return this.#byKey.size
  }

  /** The write to this key, if there was one. Its value is undefined when it was deleted. */
  find(key: Key): Op | undefined {
    return this.#byKey.size === 0 ? undefined : this.#byKey.get(key.toString('latin1'))
  }

  /** Keeps copies: the caller may use its buffers again. */
  set(key: Key, value: Buffer | undefined): void {
    this.#byKey.set(key.toString('latin1'), {
      key: Buffer.from(key),
      value: value === undefined ? undefined : Buffer.from(value),
    })
  }

  ops(): Op[] {
    return [...this.#byKey.values()]
  }

  /** Writes within the range, in its direction, as they are now. */
  within(range: Range): Op[] {
    const found = this.ops().filter(({ key }) => contains(range, key))
    const sign = range.reverse ? -1 : 1
    return found.sort((a, b) => sign * a.key.compare(b.key))
  }
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
      // The transaction's own word on this key comes in its turn, with the next call.
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
