import assert from 'node:assert/strict'
import { type EngineCheck, until } from './check.ts'

/** What is not stored. */
export const TOPIC_AND_LEASE_CHECKS: readonly EngineCheck[] = [
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
      const lease = await engine.lease('long', 400)
      assert.ok(lease !== undefined)
      for (let round = 0; round < 6; round++) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        assert.equal(await engine.lease('long', 400), undefined)
      }
      assert.equal(lease.lost.aborted, false)
      await lease.release()
    },
  ],
]
