import { ClassicLevel } from 'classic-level'
import { expect, it } from 'vitest'
import type { Database } from '../../../plugins/level/engine/database.ts'
import { scanEntries } from '../../../plugins/level/engine/index-reader.ts'
import { scratch } from '../../support/peer.ts'

const BUFFERS = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
const VALUE_BYTES = 1_000

interface Closed {
  /** Entries that the last call gave: what the driver keeps of a closed iterator until it is collected. */
  readonly kept: number
  /** Entries that calls asked for at most: the driver makes room for so many, and keeps that too. */
  readonly asked: number
}

/** Tells of each iterator that is closed. */
function watched(db: Database, onClosed: (closed: Closed) => void): Database {
  return new Proxy(db, {
    get(target, name) {
      if (name !== 'iterator') return Reflect.get(target, name, target) as unknown
      return (options: object) => {
        const iterator = target.iterator(options)
        let [kept, asked] = [0, 0]
        const nextv = iterator.nextv.bind(iterator)
        iterator.nextv = async (size: number) => {
          asked = Math.max(asked, size)
          const entries = await nextv(size)
          // At the end the driver is not even asked.
          if (entries.length > 0) kept = entries.length
          return entries
        }
        const close = iterator.close.bind(iterator)
        iterator.close = () => {
          onClosed({ kept, asked })
          return close()
        }
        return iterator
      }
    },
  })
}

async function withDatabase(use: (db: Database, closed: Closed[]) => Promise<void>): Promise<void> {
  using folder = scratch('level')
  const db = new ClassicLevel<Buffer, Buffer>(folder.path, BUFFERS)
  try {
    await db.batch(
      Array.from({ length: 3_000 }, (_, at) => {
        const key = Buffer.alloc(4)
        key.writeUInt32BE(at)
        return { type: 'put' as const, key, value: Buffer.alloc(VALUE_BYTES, at) }
      }),
    )
    const closed: Closed[] = []
    await use(
      watched(db as unknown as Database, (one) => closed.push(one)),
      closed,
    )
  } finally {
    await db.close()
  }
}

const keyOf = (at: number): Buffer => {
  const key = Buffer.alloc(4)
  key.writeUInt32BE(at)
  return key
}

it('keeps next to nothing of a scan that is over, wherever it ended', async () => {
  await withDatabase(async (db, closed) => {
    const seen: number[] = []
    for await (const entries of scanEntries(db, { gte: keyOf(100), lt: keyOf(2_100) })) {
      for (const [key, value] of entries) {
        seen.push(key.readUInt32BE())
        expect(value.equals(Buffer.alloc(VALUE_BYTES, seen.at(-1)))).toBe(true)
      }
    }
    expect(seen).toEqual(Array.from({ length: 2_000 }, (_, at) => at + 100))
    for await (const _ of scanEntries(db, { gte: keyOf(0), reverse: true })) break
    for await (const _ of scanEntries(db, { gte: keyOf(0), lt: keyOf(200), limit: 150 }));
    expect(closed.map(({ kept }) => kept)).toEqual([1, 1, 1])
  })
})

it('makes no room for more entries than it was told there can be', async () => {
  await withDatabase(async (db, closed) => {
    for (const limit of [1, 7, 900, 2_500]) {
      let count = 0
      for await (const entries of scanEntries(db, { gte: keyOf(0), limit })) count += entries.length
      expect(count).toBe(limit)
      expect(closed.at(-1)?.asked).toBeLessThanOrEqual(limit)
    }
  })
})
