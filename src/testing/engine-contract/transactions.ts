import assert from 'node:assert/strict'
import type { Transaction } from '../../store/engine.ts'
import { key, prefixRange } from '../../store/key.ts'
import { bytes, type EngineCheck, entriesOf, fill, keysOf, LETTERS, TURN, text } from './check.ts'

/** One transaction. */
export const TRANSACTION_CHECKS: readonly EngineCheck[] = [
  [
    'shows a transaction its own writes in get and getMany, and nobody else before it commits',
    async (engine) => {
      await fill(engine, ['a', 'b'])
      await engine.transact(['s'], async (tx) => {
        tx.put(bytes('a'), bytes('new'))
        tx.put(bytes('c'), bytes('added'))
        tx.delete(bytes('b'))
        assert.equal(text(await tx.get(bytes('a'))), 'new')
        assert.equal(await tx.get(bytes('b')), undefined)
        assert.deepEqual((await tx.getMany(['a', 'b', 'c', 'd'].map(bytes))).map(text), [
          'new',
          undefined,
          'added',
          undefined,
        ])
        assert.equal(text(await engine.get(bytes('a'))), 'value of a')
        assert.equal(await engine.get(bytes('c')), undefined)
        assert.deepEqual(await keysOf(engine, {}), ['a', 'b'])
      })
      assert.deepEqual(await keysOf(engine, {}), ['a', 'c'])
    },
  ],
  [
    'scans a transaction with its own writes in their places',
    async (engine) => {
      await fill(engine, ['b', 'd', 'f'])
      await engine.transact(['s'], async (tx) => {
        for (const name of ['a', 'c', 'g']) tx.put(bytes(name), bytes('own'))
        tx.put(bytes('d'), bytes('own'))
        tx.delete(bytes('f'))
        tx.delete(bytes('x'))
        const found = await entriesOf(tx, {})
        assert.deepEqual(
          found.map(([name, value]) => `${name}=${value}`),
          ['a=own', 'b=value of b', 'c=own', 'd=own', 'g=own'],
        )
        assert.deepEqual(await keysOf(tx, { reverse: true }), ['g', 'd', 'c', 'b', 'a'])
        assert.deepEqual(await keysOf(tx, { gt: bytes('a'), lte: bytes('d') }), ['b', 'c', 'd'])
      })
    },
  ],
  [
    'counts a limit after deletions and additions of the transaction',
    async (engine) => {
      await fill(engine, LETTERS)
      await engine.transact(['s'], async (tx) => {
        for (const name of ['a', 'b', 'd']) tx.delete(bytes(name))
        tx.put(bytes('cc'), bytes('own'))
        assert.deepEqual(await keysOf(tx, { limit: 2 }), ['c', 'cc'])
        assert.deepEqual(await keysOf(tx, { limit: 2, reverse: true }), ['e', 'cc'])
        assert.deepEqual(await keysOf(tx, { limit: 3 }), ['c', 'cc', 'e'])
        assert.deepEqual(await keysOf(tx, { limit: 0 }), [])
      })
    },
  ],
  [
    'scans many own writes between many stored entries',
    async (engine) => {
      await engine.transact(['s'], async (tx) => {
        for (let at = 0; at < 3_000; at += 2) tx.put(key('n', at), bytes('stored'))
      })
      await engine.transact(['s'], async (tx) => {
        for (let at = 1; at < 3_000; at += 2) tx.put(key('n', at), bytes('own'))
        for (let at = 0; at < 3_000; at += 10) tx.delete(key('n', at))
        const expected = Array.from({ length: 3_000 }, (_, at) => at).filter((at) => at % 10 !== 0)
        const forward = (await entriesOf(tx, prefixRange('n'))).map(([name]) => name)
        assert.deepEqual(
          forward,
          expected.map((at) => key('n', at)),
        )
        const backward = (await entriesOf(tx, { ...prefixRange('n'), reverse: true })).map(([name]) => name)
        assert.deepEqual(backward, forward.toReversed())
      })
    },
  ],
  [
    'writes nothing when the function throws, and throws what it threw',
    async (engine) => {
      let called = false
      const failed = engine.transact(['s'], async (tx) => {
        tx.put(bytes('a'), bytes('lost'))
        tx.afterCommit(() => {
          called = true
        })
        throw new Error('changed its mind')
      })
      await assert.rejects(failed, /changed its mind/)
      assert.equal(await engine.get(bytes('a')), undefined)
      assert.equal(called, false)
      await fill(engine, ['b'])
      assert.deepEqual(await keysOf(engine, {}), ['b'])
    },
  ],
  [
    'calls afterCommit once, in order, when the writes can be seen',
    async (engine) => {
      const seen: string[] = []
      await engine.transact(['s'], async (tx) => {
        tx.put(bytes('a'), bytes('1'))
        tx.afterCommit(() => void seen.push('first'))
        tx.afterCommit(() => void seen.push('second'))
        assert.deepEqual(seen, [])
      })
      assert.deepEqual(seen, ['first', 'second'])
      await engine.transactRelaxed(['s'], async (tx) => tx.afterCommit(() => void seen.push('third')))
      assert.deepEqual(seen, ['first', 'second', 'third'])
    },
  ],
  [
    'stands by a commit whose afterCommit throws',
    async (engine) => {
      let isSecondCalled = false
      await engine.transact(['s'], async (tx) => {
        tx.put(bytes('a'), bytes('1'))
        tx.afterCommit(() => {
          throw new Error('a listener failed')
        })
        tx.afterCommit(() => {
          isSecondCalled = true
        })
      })
      assert.equal(text(await engine.get(bytes('a'))), '1')
      assert.ok(isSecondCalled)
    },
  ],
  [
    'takes no more writes once the transaction has ended',
    async (engine) => {
      let kept: Transaction | undefined
      await engine.transact(['s'], async (tx) => {
        kept = tx
      })
      assert.throws(() => kept?.put(bytes('late'), bytes('x')))
      assert.throws(() => kept?.delete(bytes('late')))
      await fill(engine, ['a'])
      assert.equal(await engine.get(bytes('late')), undefined)
    },
  ],
  [
    'shows a relaxed commit when it resolves',
    async (engine) => {
      await engine.transactRelaxed(['s'], async (tx) => tx.put(bytes('flag'), bytes('\\Seen')))
      assert.equal(text(await engine.get(bytes('flag'))), '\\Seen')
      await engine.transactRelaxed(['s'], async (tx) => tx.delete(bytes('flag')))
      assert.equal(await engine.get(bytes('flag')), undefined)
    },
  ],
  [
    'shows a commit whole or not at all to a scan that runs beside it',
    async (engine) => {
      let isDone = false
      const writing = (async () => {
        for (let round = 0; round < 60; round++) {
          await engine.transact(['s'], async (tx) => {
            for (let at = 0; at < 20; at++) tx.put(key('pair', at), bytes(String(round)))
          })
        }
        isDone = true
      })()
      while (!isDone) {
        const values = (await entriesOf(engine, prefixRange('pair'))).map(([, value]) => text(value))
        assert.ok(values.length === 0 || values.length === 20)
        assert.ok(new Set(values).size <= 1, `a scan saw ${[...new Set(values)]}`)
        await TURN()
      }
      await writing
    },
  ],
]
