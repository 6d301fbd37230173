import type { Entry, Key, Range } from 'mailserver'
import { faultOf, threadEnding } from '../faults.ts'
import type { Database, DatabaseSnapshot } from './database.ts'
import { DELETIONS, PRIVATE } from './private-keys.ts'

/** Said anew with every read that has options: classic-level copies them otherwise. */
const BUFFERS = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const

/** The same of an index whose values are sealed, where classic-level needs the encoding that opens them. */
function encodings(db: Database) {
  const valueEncoding = db.valueEncoding()
  return valueEncoding.name === 'buffer' ? BUFFERS : { keyEncoding: 'buffer', valueEncoding }
}
const BATCH_ENTRIES = 1_000
const BATCH_BYTES = 256 * 1024

/**
 * A point read. LevelDB answers from memory most of the time: a turn over the thread pool would cost ten times as much.
 * @throws MailError UNAVAILABLE when the thread is being ended
 */
export function readValue(db: Database, key: Key, snapshot?: DatabaseSnapshot): Buffer | undefined {
  try {
    const value = snapshot === undefined ? db.getSync(key) : db.getSync(key, { ...encodings(db), snapshot })
    if (value === undefined) checkThread(db)
    return value
  } catch (cause) {
    throw faultOf(cause, 'reading the index')
  }
}

/**
 * From the moment its thread is told to end, the driver finds nothing any more; and until the thread hears of it, it goes
 * on: what is not missing would be begun anew, and written. Reads that go over the thread pool never come back then.
 */
function checkThread(db: Database): void {
  if (db.getSync(DELETIONS) === undefined) throw threadEnding()
}

/**
 * Above this a read of many keys goes to the thread pool, so that it does not hold up everything else. The turn over the
 * pool is paid back at about a hundred keys; up to there it costs more, and waits behind whatever else the pool does.
 */
const READ_AT_ONCE = 64

export async function readValues(
  db: Database,
  keys: readonly Key[],
  snapshot?: DatabaseSnapshot,
): Promise<(Buffer | undefined)[]> {
  if (keys.length <= READ_AT_ONCE) return keys.map((key) => readValue(db, key, snapshot))
  try {
    return await db.getMany([...keys], { ...encodings(db), snapshot })
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
  const options = { ...belowPrivate(range), highWaterMarkBytes: BATCH_BYTES, snapshot }
  const iterator = db.iterator(options)
  let last: readonly Entry[] = []
  try {
    for (let left = limit ?? Number.POSITIVE_INFINITY; left > 0; left -= last.length) {
      const entries = await iterator.nextv(Math.min(BATCH_ENTRIES, left))
      if (entries.length === 0) return
      last = entries
      yield entries
    }
  } catch (cause) {
    throw faultOf(cause, 'reading the index')
  } finally {
    await letGo(iterator, last)
    await iterator.close()
  }
}

/** Octets of entries that an iterator may keep once it is closed. */
const KEPT_BYTES = 16 * 1024

/**
 * An iterator keeps the entries that it gave last outside of V8's heap until its object is collected, which no allocation
 * hastens: scans that follow each other would hold hundreds of megabytes. One entry that is read again takes their place.
 */
async function letGo(iterator: ReturnType<Database['iterator']>, last: readonly Entry[]): Promise<void> {
  let bytes = 0
  for (const [key, value] of last) bytes += key.length + value.length
  if (bytes <= KEPT_BYTES) return
  iterator.seek((last.at(-1) as Entry)[0])
  await iterator.nextv(1)
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
