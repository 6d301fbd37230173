import { codeOf, type Reader, type Transaction } from 'mailserver'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { disk, fault, repair } from './faulty-disk.ts'
import { dataDirectory, type LevelOptions, type OpenedStore, openStore } from './open-store.ts'

vi.mock('node:fs', async (original) => (await import('./faulty-disk.ts')).faulty(await original()))

afterEach(repair)

const key = (name: string) => Buffer.from(name)
const LARGE = Buffer.alloc(100_000)
const codeFrom = (promise: Promise<unknown>) => promise.then(() => 'done', codeOf)
/** Its failure is heard of later. */
function pending<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
const turns = async (count = 20) => {
  for (let at = 0; at < count; at++) await new Promise((resolve) => setImmediate(resolve))
}

const read = async (reader: Reader, name: string) => (await reader.get(key(name)))?.toString()
const put = (tx: Transaction, name: string, value: string) => tx.put(key(name), Buffer.from(value))

async function namesIn(reader: Reader): Promise<string[]> {
  const names: string[] = []
  for await (const batch of reader.scan({})) names.push(...batch.map(([name]) => name.toString()))
  return names
}

/** Adds one to the count, and a row of that number. Returns the number. */
const count = (store: OpenedStore, isRelaxed = false, after?: () => void): Promise<number> => {
  const work = async (tx: Transaction) => {
    const number = Number((await read(tx, 'count')) ?? 0) + 1
    put(tx, 'count', String(number))
    put(tx, `row ${String(number).padStart(3, '0')}`, 'x')
    if (after !== undefined) tx.afterCommit(after)
    return number
  }
  return isRelaxed ? store.engine.transactRelaxed(['s'], work) : store.engine.transact(['s'], work)
}

interface Held {
  readonly promise: Promise<void>
  release(): void
}

function gate(): Held {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { promise, release: resolve }
}

async function withStore(body: (store: OpenedStore) => Promise<void>, options: LevelOptions = {}): Promise<void> {
  using directory = dataDirectory()
  await using store = await openStore(directory.path, { options })
  await count(store)
  await body(store)
  repair()
}

describe('transactions of one scope', () => {
  it('share a sync, each reading what the one before it wrote', () =>
    withStore(async (store) => {
      const held = gate()
      disk.syncGate = held.promise
      disk.syncs = 0
      const settled: number[] = []
      const counts = Array.from({ length: 40 }, (_, at) => count(store, at % 4 === 3, () => settled.push(at)))
      const inside = store.engine.transact(['s'], namesIn)
      await turns()
      expect(settled).toEqual([])
      held.release()
      expect(await Promise.all(counts)).toEqual(Array.from({ length: 40 }, (_, at) => at + 2))
      expect(settled).toEqual(Array.from({ length: 40 }, (_, at) => at))
      expect((await inside).length).toBe(42)
      expect(disk.syncs).toBeLessThan(5)
    }))

  it('show nothing outside before it is on disk, be it value, result, error or relaxed commit', () =>
    withStore(async (store) => {
      const { engine } = store
      const held = gate()
      disk.syncGate = held.promise
      let told = 0
      const tell = () => {
        told += 1
      }
      const all = [
        count(store, false, tell).finally(tell),
        engine.transact(['s'], async (tx) => tx.delete(key('row 001'))).finally(tell),
        count(store, true, tell).finally(tell),
        engine.transact(['s'], (tx) => read(tx, 'count')).finally(tell),
        engine.transact(['s'], async (tx) => tx.afterCommit(tell)).finally(tell),
        engine
          .transact(['s'], async (tx) => {
            throw new Error(`there are ${(await namesIn(tx)).length}`)
          })
          .catch((error: Error) => error.message)
          .finally(tell),
      ]
      await turns()
      expect(told).toBe(0)
      expect(await read(engine, 'count')).toBe('1')
      expect(await namesIn(engine)).toEqual(['count', 'row 001'])
      await using snapshot = await engine.snapshot()
      expect(await namesIn(snapshot)).toEqual(['count', 'row 001'])
      expect((await engine.getMany([key('row 002'), key('row 003')])).every((value) => value === undefined)).toBe(true)
      held.release()
      expect(await Promise.all(all)).toEqual([2, undefined, 3, '3', undefined, 'there are 3'])
      expect(told).toBe(9)
      expect(await namesIn(engine)).toEqual(['count', 'row 002', 'row 003'])
      expect(await namesIn(snapshot)).toEqual(['count', 'row 001'])
      expect(await read(snapshot, 'count')).toBe('1')
    }))

  it('let a relaxed commit be seen with the sync that is under way, not with the next one', () =>
    withStore(async (store) => {
      const { engine } = store
      const [first, next] = [gate(), gate()]
      disk.syncGate = first.promise
      const before = count(store)
      await turns()
      let isSeen = false
      const relaxed = engine
        .transactRelaxed(['another'], async (tx) => put(tx, 'flag', 'set'))
        .then(() => {
          isSeen = true
        })
      await turns()
      const behind = engine.transact(['a third'], async (tx) => put(tx, 'behind', 'x'))
      await turns()
      disk.syncGate = next.promise
      expect(isSeen).toBe(false)
      first.release()
      await Promise.all([before, relaxed])
      expect(await read(engine, 'flag')).toBe('set')
      expect(await read(engine, 'behind')).toBeUndefined()
      next.release()
      await behind
    }))

  it('let others by that have read nothing pending', () =>
    withStore(async (store) => {
      const held = gate()
      disk.syncGate = held.promise
      const waiting = count(store)
      await turns()
      expect(await store.engine.transact(['s'], (tx) => read(tx, 'something else'))).toBeUndefined()
      await expect(store.engine.transact(['s'], async () => Promise.reject(new Error('no')))).rejects.toThrow('no')
      held.release()
      await waiting
    }))

  it('merge what is pending into every kind of scan', () =>
    withStore(async (store) => {
      const { engine } = store
      const letters = ['b', 'd', 'f', 'h', 'j']
      await engine.transact(['s'], async (tx) => {
        for (const letter of letters) put(tx, `s ${letter}`, 'stored')
      })
      const held = gate()
      disk.syncGate = held.promise
      const first = engine.transact(['s'], async (tx) => {
        put(tx, 's c', 'first')
        put(tx, 's d', 'first')
        tx.delete(key('s f'))
        put(tx, 's k', 'first')
      })
      const second = engine.transact(['s'], async (tx) => {
        put(tx, 's c', 'second')
        put(tx, 's f', 'second')
        tx.delete(key('s k'))
        tx.delete(key('s h'))
      })
      const scans = engine.transact(['s'], async (tx) => {
        put(tx, 's a', 'own')
        tx.delete(key('s d'))
        const found: string[][] = []
        const bounds = { gte: key('s '), lt: key('s~') }
        const ranges = [bounds, { ...bounds, reverse: true }, { ...bounds, limit: 2 }]
        for (const range of [...ranges, { ...bounds, reverse: true, limit: 3 }, { gt: key('s c'), lte: key('s j') }]) {
          const entries: string[] = []
          for await (const batch of tx.scan(range)) {
            for (const [name, value] of batch) entries.push(`${name.toString().slice(2)} ${value}`)
          }
          found.push(entries)
        }
        return found
      })
      await turns()
      held.release()
      const whole = ['a own', 'b stored', 'c second', 'f second', 'j stored']
      expect(await scans).toEqual([
        whole,
        whole.toReversed(),
        whole.slice(0, 2),
        whole.toReversed().slice(0, 3),
        whole.slice(3),
      ])
      await Promise.all([first, second])
    }))

  it('fail together when the sync fails, and none of them is seen', async () => {
    using directory = dataDirectory()
    const followed: number[] = []
    {
      await using store = await openStore(directory.path)
      await count(store)
      const held = gate()
      disk.syncGate = held.promise
      disk.sync = () => fault('EIO')
      const all = [
        ...Array.from({ length: 6 }, (_, at) => count(store, at % 2 === 1, () => followed.push(at))),
        store.engine.transact(['s'], (tx) => read(tx, 'count')),
        store.engine.transact(['s'], async (tx) => Promise.reject(new Error(await read(tx, 'count')))),
      ].map(codeFrom)
      await turns()
      all.push(codeFrom(store.engine.transactRelaxed(['other'], async (tx) => put(tx, 'behind', 'x'))))
      await turns()
      held.release()
      expect(await Promise.all(all)).toEqual(all.map(() => 'UNAVAILABLE'))
      expect(followed).toEqual([])
      expect(await namesIn(store.engine)).toEqual(['count', 'row 001'])
      expect(await codeFrom(count(store))).toBe('UNAVAILABLE')
    }
    repair()
    await using store = await openStore(directory.path)
    const number = Number(await read(store.engine, 'count'))
    expect(await namesIn(store.engine)).toContain(`row 00${number}`)
    expect(await count(store)).toBe(number + 1)
  })

  it('fail with one that found no room when they have read of it, and only then', () =>
    withStore(async (store) => {
      const { engine } = store
      const [sync, write, stay] = [gate(), gate(), gate()]
      disk.syncGate = sync.promise
      const before = count(store)
      await turns()
      disk.writeGate = write.promise
      const failing = pending(
        engine.transact(['s'], async (tx) => {
          put(tx, 'count', 'never')
          tx.put(key('large'), LARGE)
        }),
      )
      await turns()
      const behind = pending(count(store))
      await turns()
      const reader = pending(
        engine.transact(['s'], async (tx) => {
          const seen = await read(tx, 'count')
          await stay.promise
          put(tx, 'seen', String(seen))
        }),
      )
      await turns()
      disk.room = 0
      write.release()
      await turns()
      disk.room = Number.POSITIVE_INFINITY
      const follower = count(store)
      stay.release()
      await turns()
      sync.release()
      const all = [before, failing, behind, reader, follower]
      expect(await Promise.all(all.map(codeFrom))).toEqual(['done', 'STORE_FULL', 'STORE_FULL', 'STORE_FULL', 'done'])
      expect(await before).toBe(2)
      // What the failed ones had hidden was seen again.
      expect(await follower).toBe(3)
      expect(await namesIn(engine)).toEqual(['count', 'row 001', 'row 002', 'row 003'])
    }))

  it('go on when one of them is refused before it has a place', () =>
    withStore(
      async (store) => {
        const held = gate()
        disk.syncGate = held.promise
        const first = count(store)
        disk.free = 0
        const refused = pending(
          store.engine.transact(['s'], async (tx) => {
            put(tx, 'count', 'never')
            tx.put(key('large'), Buffer.alloc(1_200_000))
          }),
        )
        await turns()
        disk.free = undefined
        const next = count(store, true)
        await turns()
        held.release()
        expect(await Promise.all([first, refused, next].map(codeFrom))).toEqual(['done', 'STORE_FULL', 'done'])
        expect(await next).toBe(3)
      },
      { reserve: 2_000_000 },
    ))

  it('keep their order over the end of a segment', () =>
    withStore(
      async (store) => {
        const numbers = await Promise.all(
          Array.from({ length: 300 }, (_, at) => {
            const isRelaxed = at % 3 === 0
            return count(store, isRelaxed)
          }),
        )
        expect(numbers).toEqual(Array.from({ length: 300 }, (_, at) => at + 2))
        expect((await namesIn(store.engine)).length).toBe(302)
      },
      { segmentSize: 3_000 },
    ))
})
