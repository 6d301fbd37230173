import assert from 'node:assert/strict'
import { key, prefixRange } from '../../store/key.ts'
import { bytes, type EngineCheck, entriesOf, fill, keysOf, LETTERS, text } from './check.ts'

/** What is stored, and how it is read back. */
export const READING_CHECKS: readonly EngineCheck[] = [
  [
    'reads back what a transaction put, and nothing for a key that was never put',
    async (engine) => {
      await fill(engine, ['a'])
      assert.equal(text(await engine.get(bytes('a'))), 'value of a')
      assert.equal(await engine.get(bytes('b')), undefined)
    },
  ],
  [
    'keeps empty values and any octets in keys and values apart',
    async (engine) => {
      const odd = Buffer.from([0, 0xff, 0x0a, 0, 0x80])
      await engine.transact(['s'], async (tx) => {
        tx.put(odd, Buffer.alloc(0))
        tx.put(Buffer.concat([odd, Buffer.from([0])]), odd)
        tx.put(Buffer.from([0xff, 0xff]), bytes('high'))
      })
      assert.equal((await engine.get(odd))?.length, 0)
      assert.deepEqual(await engine.get(Buffer.concat([odd, Buffer.from([0])])), odd)
      assert.equal(text(await engine.get(Buffer.from([0xff, 0xff]))), 'high')
      assert.equal((await entriesOf(engine, {})).length, 3)
    },
  ],
  [
    'keeps a value of several megabytes',
    async (engine) => {
      const large = Buffer.alloc(5_000_000, 'mail')
      await engine.transact(['s'], async (tx) => tx.put(bytes('large'), large))
      assert.ok((await engine.get(bytes('large')))?.equals(large))
    },
  ],
  [
    'answers getMany in the order of the keys, with gaps',
    async (engine) => {
      await fill(engine, LETTERS)
      const found = await engine.getMany([bytes('e'), bytes('nothing'), bytes('a'), bytes('e')])
      assert.deepEqual(found.map(text), ['value of e', undefined, 'value of a', 'value of e'])
      const many = await engine.getMany(Array.from({ length: 300 }, (_, at) => bytes(at % 2 === 0 ? 'a' : 'no')))
      assert.deepEqual(
        many.map((value) => value !== undefined),
        Array.from({ length: 300 }, (_, at) => at % 2 === 0),
      )
      assert.deepEqual(await engine.getMany([]), [])
    },
  ],
  [
    'scans in the order of unsigned octets',
    async (engine) => {
      const keys = [[0], [0, 0], [1], [0x7f], [0x80], [0xfe, 0xff], [0xff]].map((octets) => Buffer.from(octets))
      await engine.transact(['s'], async (tx) => {
        for (const each of keys.toReversed()) tx.put(each, bytes('x'))
      })
      assert.deepEqual(
        (await entriesOf(engine, {})).map(([name]) => name),
        keys,
      )
    },
  ],
  [
    'keeps every bound of a range, forward and in reverse',
    async (engine) => {
      await fill(engine, LETTERS)
      const [b, d] = [bytes('b'), bytes('d')]
      assert.deepEqual(await keysOf(engine, { gte: b, lt: d }), ['b', 'c'])
      assert.deepEqual(await keysOf(engine, { gt: b, lte: d }), ['c', 'd'])
      assert.deepEqual(await keysOf(engine, { gt: b, lt: d }), ['c'])
      assert.deepEqual(await keysOf(engine, { gte: d, lt: b }), [])
      assert.deepEqual(await keysOf(engine, { gte: b, lte: d, reverse: true }), ['d', 'c', 'b'])
      assert.deepEqual(await keysOf(engine, { gt: b, lt: d, reverse: true }), ['c'])
      assert.deepEqual(await keysOf(engine, { lt: b, reverse: true }), ['a'])
      assert.deepEqual(await keysOf(engine, { gt: d }), ['e'])
    },
  ],
  [
    'gives no more entries than the limit, from the end when in reverse',
    async (engine) => {
      await fill(engine, LETTERS)
      assert.deepEqual(await keysOf(engine, { limit: 2 }), ['a', 'b'])
      assert.deepEqual(await keysOf(engine, { limit: 2, reverse: true }), ['e', 'd'])
      assert.deepEqual(await keysOf(engine, { limit: 0 }), [])
      assert.deepEqual(await keysOf(engine, { limit: 99 }), LETTERS)
    },
  ],
  [
    'scans more entries than fit in a batch, each once, and no empty batch',
    async (engine) => {
      await engine.transact(['s'], async (tx) => {
        for (let at = 0; at < 5_000; at++) tx.put(key('n', at), Buffer.alloc(200, at))
        tx.put(key('o', 0), bytes('beside'))
      })
      let next = 0
      for await (const batch of engine.scan(prefixRange('n'))) {
        assert.ok(batch.length > 0)
        for (const [name] of batch) assert.deepEqual(name, key('n', next++))
      }
      assert.equal(next, 5_000)
    },
  ],
  [
    'lets a reader leave a scan early and go on with others',
    async (engine) => {
      await fill(engine, LETTERS)
      for (let round = 0; round < 20; round++) {
        for await (const batch of engine.scan({})) {
          assert.equal(batch[0]?.[0].toString(), 'a')
          break
        }
      }
      assert.deepEqual(await keysOf(engine, {}), LETTERS)
    },
  ],
]
