import type { Engine, Entry, Key } from '../engine.ts'
import { MessageKeys } from '../layout.ts'

/** Records that are fetched by their keys at a time: a hostile message's index may have many kilobytes. */
const KEYS_AT_ONCE = 250
/** From so many neighbours on, one scan is cheaper than a look for each. */
const SCAN_FROM = 32

export type RecordValue = readonly [uid: number, value: Buffer]

/**
 * Records of one kind by UID, in batches, in the order of `uids`; UIDs that have none are left out. Neighbours are read
 * by a scan; while one batch is used the next is read.
 */
export function recordValues(
  engine: Engine,
  keys: MessageKeys,
  uids: readonly number[],
): AsyncIterable<readonly RecordValue[]> {
  return ahead(isDense(uids) ? scanned(engine, keys, uids) : looked(engine, keys, uids))
}

/** Rising, and with few gaps. */
function isDense(uids: readonly number[]): boolean {
  if (uids.length < SCAN_FROM) return false
  const [first, last] = [uids[0] as number, uids[uids.length - 1] as number]
  if (last - first >= uids.length * 2) return false
  for (let at = 1; at < uids.length; at++) if ((uids[at] as number) <= (uids[at - 1] as number)) return false
  return true
}

async function* scanned(engine: Engine, keys: MessageKeys, uids: readonly number[]) {
  let at = 0
  const [first, last] = [uids[0] as number, uids[uids.length - 1] as number]
  // A driver that is told how many there can be makes room for so many, and looks no further.
  for await (const entries of engine.scan({ ...keys.range(first, last), limit: last - first + 1 })) {
    const found: RecordValue[] = []
    for (const [key, value] of entries as readonly Entry[]) {
      const uid = MessageKeys.uidOf(key)
      while ((uids[at] as number) < uid) at += 1
      if (uids[at] === uid) found.push([uid, value])
    }
    if (found.length > 0) yield found
  }
}

async function* looked(engine: Engine, keys: MessageKeys, uids: readonly number[]) {
  for (let from = 0; from < uids.length; from += KEYS_AT_ONCE) {
    const part = uids.slice(from, from + KEYS_AT_ONCE)
    const values = await engine.getMany(part.map((uid): Key => keys.of(uid)))
    const found: RecordValue[] = []
    values.forEach((value, at) => {
      if (value !== undefined) found.push([part[at] as number, value])
    })
    if (found.length > 0) yield found
  }
}

/** Asks for what comes next before it gives out what it has. */
async function* ahead<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    for (let next = source.next(); ; ) {
      const { done, value } = await next
      if (done === true) return
      next = source.next()
      // Nobody may be waiting yet when it fails, and nobody ever will when the reader leaves early.
      next.catch(() => {})
      yield value
    }
  } finally {
    await source.return(undefined)
  }
}
