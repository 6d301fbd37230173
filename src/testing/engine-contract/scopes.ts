import assert from 'node:assert/strict'
import type { Range } from '../../store/engine.ts'
import { key } from '../../store/key.ts'
import { anyTransact, bytes, type EngineCheck, entriesOf, keysOf, seenByAll, TURN, text } from './check.ts'

/** Transactions side by side. */
export const SCOPE_CHECKS: readonly EngineCheck[] = [
  [
    'calls afterCommit in the order of the transactions of a scope, each when its writes can be seen',
    async (engine) => {
      const followed: number[] = []
      const found: Promise<Buffer | undefined>[] = []
      const one = (at: number) => {
        return anyTransact(engine, at, ['s'], async (tx) => {
          if (at % 7 === 0) await TURN()
          if (at % 10 !== 9) tx.put(key('n', at), bytes('x'))
          tx.afterCommit(() => {
            followed.push(at)
            if (at % 10 !== 9) found.push(engine.get(key('n', at)))
          })
        })
      }
      await Promise.all(Array.from({ length: 100 }, (_, at) => one(at)))
      await seenByAll(engine, ['s'])
      assert.deepEqual(
        followed,
        Array.from({ length: 100 }, (_, at) => at),
      )
      for (const value of await Promise.all(found)) assert.equal(text(value), 'x')
    },
  ],
  [
    'counts to 200 with 200 transactions of one scope at the same time',
    async (engine) => {
      const increment = (at: number) => {
        return anyTransact(engine, at, ['counter'], async (tx) => {
          const count = Number(text(await tx.get(bytes('count'))) ?? 0)
          if (at % 5 === 0) await TURN()
          tx.put(bytes('count'), bytes(String(count + 1)))
          return count
        })
      }
      const counts = await Promise.all(Array.from({ length: 200 }, (_, at) => increment(at)))
      await seenByAll(engine, ['counter'])
      assert.equal(text(await engine.get(bytes('count'))), '200')
      assert.equal(new Set(counts).size, 200)
    },
  ],
  [
    'shows each transaction of a scope what those before it wrote, and nothing of those that threw',
    async (engine) => {
      const model = new Map<string, string>()
      const one = (at: number) => {
        return anyTransact(engine, at, ['s'], async (tx) => {
          const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1))
          const seen = async (range: Range) =>
            (await entriesOf(tx, range)).map(([name, value]) => [name.toString(), text(value)])
          const bounds = { gte: bytes('k'), lt: bytes('l') }
          assert.deepEqual(await seen(bounds), expected)
          assert.deepEqual(await seen({ ...bounds, reverse: true, limit: 3 }), expected.toReversed().slice(0, 3))
          const names = Array.from({ length: 20 }, (_, number) => `k${String(number).padStart(2, '0')}`)
          const values = (await tx.getMany(names.map(bytes))).map(text)
          assert.deepEqual(
            values,
            names.map((name) => model.get(name)),
          )
          const [put, gone] = [names[(at * 7) % 20] as string, names[(at * 11) % 20] as string]
          assert.equal(text(await tx.get(bytes(put))), model.get(put))
          tx.delete(bytes(gone))
          tx.put(bytes(put), bytes(String(at)))
          if (at % 4 === 3) throw new Error('changed its mind')
          model.delete(gone)
          model.set(put, String(at))
        })
      }
      const results = await Promise.allSettled(Array.from({ length: 200 }, (_, at) => one(at)))
      for (const [at, result] of results.entries()) {
        if (result.status === 'rejected') assert.match(String(result.reason), /changed its mind/)
        else assert.notEqual(at % 4, 3)
      }
      await seenByAll(engine, ['s'])
      const stored = await entriesOf(engine, {})
      assert.deepEqual(new Map(stored.map(([name, value]) => [name.toString(), text(value)])), model)
    },
  ],
  [
    'tells nobody what a transaction has read, by a result or an error, before everybody can see it',
    async (engine) => {
      const count = () =>
        engine.transact(['s'], async (tx) => {
          const next = Number(text(await tx.get(bytes('count'))) ?? 0) + 1
          tx.put(bytes('count'), bytes(String(next)))
          return next
        })
      const look = () => engine.transact(['s'], async (tx) => Number(text(await tx.get(bytes('count')))))
      const fail = () =>
        look().then(async () =>
          engine.transact(['s'], async (tx) => Promise.reject(Number(text(await tx.get(bytes('count')))))),
        )
      const check = async (told: number) => {
        const seen = Number(text(await engine.get(bytes('count'))))
        assert.ok(seen >= told, `${told} was told, and ${seen} can be seen`)
      }
      await count()
      const all = Array.from({ length: 90 }, (_, at) => {
        if (at % 3 === 0) return count().then(check)
        return at % 3 === 1 ? look().then(check) : fail().catch(check)
      })
      await Promise.all(all)
      assert.equal(text(await engine.get(bytes('count'))), '31')
    },
  ],
  [
    'serialises transactions that share one of several scopes, in whatever order they name them',
    async (engine) => {
      const inside = new Set<string>()
      const scopes = ['p', 'q', 'r', 's']
      const visit = (first: number, second: number) => {
        const names = [scopes[first] as string, scopes[second] as string]
        return engine.transact(names, async (tx) => {
          for (const name of names) assert.ok(!inside.has(name), `two transactions hold ${name}`)
          for (const name of names) inside.add(name)
          await TURN()
          const count = Number(text(await tx.get(bytes('visits'))) ?? 0)
          for (const name of names) inside.delete(name)
          tx.put(bytes(`${names}${count}`), bytes('x'))
        })
      }
      const visits = Array.from({ length: 80 }, (_, at) => visit(at % 4, (at + 1 + (at % 3)) % 4))
      await Promise.all(visits)
    },
  ],
  [
    'takes a scope that is named twice once',
    async (engine) => {
      assert.equal(await engine.transact(['s', 's'], async () => 'done'), 'done')
    },
  ],
  [
    'runs transactions of different scopes, or of none, while another waits inside',
    async (engine) => {
      const gate = Promise.withResolvers<void>()
      const slow = engine.transact(['slow'], async () => gate.promise)
      await engine.transact(['other'], async (tx) => tx.put(bytes('a'), bytes('1')))
      await engine.transact([], async (tx) => tx.put(bytes('b'), bytes('2')))
      assert.deepEqual(await keysOf(engine, {}), ['a', 'b'])
      gate.resolve()
      await slow
    },
  ],
  [
    'lets the next one in after a transaction has failed',
    async (engine) => {
      const failing = Array.from({ length: 10 }, () =>
        engine.transact(['s'], async () => {
          throw new Error('no')
        }),
      )
      const results = await Promise.allSettled(failing)
      assert.ok(results.every(({ status }) => status === 'rejected'))
      await engine.transact(['s'], async (tx) => tx.put(bytes('a'), bytes('1')))
      assert.equal(text(await engine.get(bytes('a'))), '1')
    },
  ],
]
