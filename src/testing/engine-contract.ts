import assert from 'node:assert/strict'
import type { Transaction } from '../store/engine.ts'
import { key, prefixRange } from '../store/key.ts'
import type { ContractTest } from './contract.ts'
import {
  bytes,
  type EngineCheck,
  entriesOf,
  fill,
  keysOf,
  LETTERS,
  type OpenedEngine,
  TURN,
  text,
  until,
} from './engine-contract/check.ts'
import { SNAPSHOT_CHECKS } from './engine-contract/snapshots.ts'

export type { OpenedEngine } from './engine-contract/check.ts'

const CHECKS: readonly EngineCheck[] = [
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
  [
    'keeps copies: a caller may use its buffers again once put has returned',
    async (engine) => {
      const [name, value] = [bytes('name'), bytes('value')]
      await engine.transact(['s'], async (tx) => {
        tx.put(name, value)
        name.fill('x')
        value.fill('x')
      })
      assert.equal(text(await engine.get(bytes('name'))), 'value')
    },
  ],
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
    'counts to 200 with 200 transactions of one scope at the same time',
    async (engine) => {
      const increment = (at: number) => {
        const transact = at % 3 === 0 ? engine.transactRelaxed : engine.transact
        return transact.call(engine, ['counter'], async (tx) => {
          const count = Number(text(await tx.get(bytes('count'))) ?? 0)
          if (at % 5 === 0) await TURN()
          tx.put(bytes('count'), bytes(String(count + 1)))
          return count
        })
      }
      const counts = await Promise.all(Array.from({ length: 200 }, (_, at) => increment(at)))
      assert.equal(text(await engine.get(bytes('count'))), '200')
      assert.equal(new Set(counts).size, 200)
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
  [
    'tells watchers of a topic what is published on it, in order, and no others',
    async (engine) => {
      const [heard, other]: [string[], string[]] = [[], []]
      const end = engine.watch('mailbox:1', (message) => heard.push(message))
      engine.watch('mailbox:2', (message) => other.push(message))
      for (let at = 0; at < 50; at++) engine.publish('mailbox:1', String(at))
      assert.deepEqual(heard, [], 'a watcher is never called from within publish')
      await until(() => heard.length === 50)
      assert.deepEqual(
        heard,
        Array.from({ length: 50 }, (_, at) => String(at)),
      )
      assert.deepEqual(other, [])
      end()
      engine.publish('mailbox:1', 'too late')
      engine.publish('mailbox:2', 'mark')
      await until(() => other.length === 1)
      assert.equal(heard.length, 50)
    },
  ],
  [
    'tells every watcher of a topic, also when one of them throws or ends another',
    async (engine) => {
      const heard: string[] = []
      engine.watch('t', () => {
        throw new Error('a watcher failed')
      })
      const endTwice = engine.watch('t', (message) => heard.push(`a ${message}`))
      engine.watch('t', (message) => heard.push(`b ${message}`))
      engine.publish('t', '1')
      await until(() => heard.length === 2)
      endTwice()
      endTwice()
      engine.publish('t', '2')
      await until(() => heard.length === 3)
      assert.deepEqual(heard, ['a 1', 'b 1', 'b 2'])
    },
  ],
  [
    'gives a lease to one at a time, and again once it is released',
    async (engine) => {
      const first = await engine.lease('job', 60_000)
      assert.ok(first !== undefined)
      assert.equal(await engine.lease('job', 60_000), undefined)
      const beside = await engine.lease('another job', 60_000)
      assert.ok(beside !== undefined)
      await first.release()
      await first.release()
      const second = await engine.lease('job', 60_000)
      assert.ok(second !== undefined)
      assert.equal(second.lost.aborted, false)
      await first.release()
      assert.equal(await engine.lease('job', 60_000), undefined, 'a lease is released by its holder alone')
      await second.release()
      await beside.release()
    },
  ],
  [
    'gives a contested lease to exactly one',
    async (engine) => {
      const taken = await Promise.all(Array.from({ length: 20 }, () => engine.lease('race', 60_000)))
      const holders = taken.filter((lease) => lease !== undefined)
      assert.equal(holders.length, 1)
      await holders[0]?.release()
    },
  ],
  [
    'keeps a lease alive beyond its time while it is held',
    async (engine) => {
      const lease = await engine.lease('long', 90)
      assert.ok(lease !== undefined)
      for (let round = 0; round < 10; round++) {
        await new Promise((resolve) => setTimeout(resolve, 30))
        assert.equal(await engine.lease('long', 90), undefined)
      }
      assert.equal(lease.lost.aborted, false)
      await lease.release()
    },
  ],
  ...SNAPSHOT_CHECKS,
]

/** What every Engine promises. Run each test with a function that opens an empty engine. */
export const engineContract: readonly ContractTest<OpenedEngine>[] = CHECKS.map(([title, check]) => ({
  title,
  async run(open) {
    const opened = await open()
    try {
      await check(opened.engine)
    } finally {
      await opened.close()
    }
  },
}))
