import type { Entry, Key, Range } from 'mailserver'
import { faultOf } from '../faults.ts'
import type { Database, DatabaseSnapshot } from './database.ts'
import { PRIVATE } from './private-keys.ts'

/** Said anew with every read that has options: classic-level copies them otherwise. */
const BUFFERS = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
const BATCH_ENTRIES = 1_000
const BATCH_BYTES = 256 * 1024

/** A point read. LevelDB answers from memory most of the time: a turn over the thread pool would cost ten times as much. */
export function readValue(db: Database, key: Key, snapshot?: DatabaseSnapshot): Buffer | undefined {
  try {
    return snapshot === undefined ? db.getSync(key) : db.getSync(key, { ...BUFFERS, snapshot })
  } catch (cause) {
    throw faultOf(cause, 'reading the index')
  }
}

/** Above this a read of many keys goes to the thread pool, so that it does not hold up everything else. */
const READ_AT_ONCE = 16

export async function readValues(
  db: Database,
  keys: readonly Key[],
  snapshot?: DatabaseSnapshot,
): Promise<(Buffer | undefined)[]> {
  if (keys.length <= READ_AT_ONCE) return keys.map((key) => readValue(db, key, snapshot))
  try {
    return await db.getMany([...keys], { ...BUFFERS, snapshot })
  } catch (cause) {
    throw faultOf(cause, 'reading the index')
  }
}

/** Entries of the range as they are when it begins, or as the snapshot has them, without the store's own keys. */
export async function* scanEntries(
  db: Database,
  range: Range,
  snapshot?: DatabaseSnapshot,
): AsyncGenerator<readonly Entry[]> {
  const { limit } = range
  if (limit !== undefined && limit <= 0) return
  const options = { ...belowPrivate(range), limit: limit ?? -1, highWaterMarkBytes: BATCH_BYTES, snapshot }
  const iterator = db.iterator(options)
  try {
    for (;;) {
      const entries = await iterator.nextv(BATCH_ENTRIES)
      if (entries.length === 0) return
      yield entries
    }
  } catch (cause) {
    throw faultOf(cause, 'reading the index')
  } finally {
    await iterator.close()
  }
}

function belowPrivate({ gte, gt, lt, lte, reverse }: Range) {
  const isBelow = (key: Key | undefined) => key !== undefined && key.compare(PRIVATE) < 0
  return {
    ...(gte !== undefined && { gte }),
    ...(gt !== undefined && { gt }),
    ...(isBelow(lte) && { lte: lte as Key }),
    ...(isBelow(lt) ? { lt: lt as Key } : !isBelow(lte) && { lt: PRIVATE }),
    ...(reverse !== undefined && { reverse }),
  }
}
