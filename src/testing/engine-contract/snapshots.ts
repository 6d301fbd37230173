import assert from 'node:assert/strict'
import type { Engine, Snapshot } from '../../store/engine.ts'
import { key, prefixRange } from '../../store/key.ts'
import { bytes, type EngineCheck, fill, keysOf, LETTERS, text } from './check.ts'

const COUNT = 3_000

async function reading(engine: Engine, fn: (snapshot: Snapshot) => Promise<void>): Promise<void> {
  const snapshot = await engine.snapshot()
  try {
    await fn(snapshot)
  } finally {
    await snapshot[Symbol.asyncDispose]()
  }
}

/** The store at one moment, while others write. */
export const SNAPSHOT_CHECKS: readonly EngineCheck[] = [
  [
    'shows in a snapshot what was committed, and nothing that came after it',
    async (engine) => {
      await fill(engine, LETTERS)
      const snapshot = await engine.snapshot()
      await engine.transact(['s'], async (tx) => {
        tx.put(bytes('a'), bytes('changed'))
        tx.delete(bytes('b'))
        tx.put(bytes('f'), bytes('new'))
      })
      const later = await engine.snapshot()
      const keys = ['a', 'b', 'f'].map(bytes)
      assert.deepEqual((await snapshot.getMany(keys)).map(text), ['value of a', 'value of b', undefined])
      assert.deepEqual((await later.getMany(keys)).map(text), ['changed', undefined, 'new'])
      assert.equal(text(await snapshot.get(bytes('a'))), 'value of a')
      assert.equal(text(await later.get(bytes('a'))), 'changed')
      assert.deepEqual(await keysOf(snapshot, {}), LETTERS)
      assert.deepEqual(await keysOf(later, {}), ['a', 'c', 'd', 'e', 'f'])
      assert.deepEqual(await keysOf(snapshot, { gt: bytes('a'), lte: bytes('d'), reverse: true, limit: 2 }), ['d', 'c'])
      await snapshot[Symbol.asyncDispose]()
      assert.equal(text(await later.get(bytes('a'))), 'changed')
      await later[Symbol.asyncDispose]()
    },
  ],
  [
    'reads many keys and entries from a snapshot, and from two moments in turn',
    async (engine) => {
      const write = (value: string) =>
        engine.transact(['s'], async (tx) => {
          for (let at = 0; at < COUNT; at++) tx.put(key('n', at), bytes(value))
        })
      await write('first')
      const first = await engine.snapshot()
      await write('second')
      const second = await engine.snapshot()
      await engine.transact(['s'], async (tx) => {
        for (let at = 0; at < COUNT; at++) tx.delete(key('n', at))
      })
      const keys = Array.from({ length: COUNT }, (_, at) => key('n', at))
      for (const [snapshot, value] of [
        [first, 'first'],
        [second, 'second'],
        [engine, undefined],
      ] as const) {
        assert.deepEqual(new Set((await snapshot.getMany(keys)).map(text)), new Set([value]))
        let count = 0
        for await (const batch of snapshot.scan(prefixRange('n'))) {
          for (const entry of batch) assert.equal(text(entry[1]), value)
          count += batch.length
        }
        assert.equal(count, value === undefined ? 0 : COUNT)
      }
      await first[Symbol.asyncDispose]()
      await second[Symbol.asyncDispose]()
    },
  ],
  [
    'shows each commit whole in a snapshot, and every one that was acknowledged before it',
    async (engine) => {
      const keys = Array.from({ length: 40 }, (_, at) => key('n', at))
      let acknowledged = 0
      const writer = async () => {
        for (let round = 0; round < 40; round++) {
          await engine.transact(['s'], async (tx) => {
            const next = Number(text(await tx.get(key('n', 0))) ?? 0) + 1
            for (const each of keys) tx.put(each, bytes(String(next)))
          })
          acknowledged += 1
        }
      }
      const reader = async () => {
        while (acknowledged < 120) {
          const atLeast = acknowledged
          await reading(engine, async (snapshot) => {
            const before = await snapshot.get(key('n', 0))
            const values = new Set((await snapshot.getMany(keys)).map(text))
            assert.equal(values.size, 1, 'half a commit')
            assert.deepEqual(values, new Set([text(before)]))
            assert.ok(Number(text(before) ?? 0) >= atLeast, 'an acknowledged commit is missing')
          })
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      await Promise.all([writer(), writer(), writer(), reader(), reader()])
    },
  ],
  [
    'shows no write of a transaction that is not committed, and lets it commit while a snapshot is open',
    async (engine) => {
      const { promise: isRead, resolve: read } = Promise.withResolvers<void>()
      const { promise: isWritten, resolve: written } = Promise.withResolvers<void>()
      const committed = engine.transact(['s'], async (tx) => {
        tx.put(bytes('a'), bytes('1'))
        written()
        await isRead
      })
      await isWritten
      await reading(engine, async (snapshot) => {
        assert.equal(await snapshot.get(bytes('a')), undefined)
        read()
        await committed
        assert.equal(await snapshot.get(bytes('a')), undefined)
      })
      assert.equal(text(await engine.get(bytes('a'))), '1')
    },
  ],
  [
    'refuses reads of a snapshot that was given back, even twice, and leaves the store as it was',
    async (engine) => {
      await fill(engine, LETTERS)
      const snapshot = await engine.snapshot()
      const scan = snapshot.scan({})[Symbol.asyncIterator]()
      assert.equal((await scan.next()).done, false)
      await scan.return?.()
      await snapshot[Symbol.asyncDispose]()
      await snapshot[Symbol.asyncDispose]()
      await assert.rejects(snapshot.get(bytes('a')))
      await assert.rejects(snapshot.getMany(LETTERS.map(bytes)))
      await assert.rejects(keysOf(snapshot, {}))
      assert.deepEqual(await keysOf(engine, {}), LETTERS)
    },
  ],
]
