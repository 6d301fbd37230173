import { expect, it } from 'vitest'
import type { Claim } from '../../src/queue/queue.ts'
import { memoryEngine } from '../../src/testing/memory-engine.ts'
import { all, NONE, queueWorld } from './queue-world.ts'

/** A queue whose commits are counted, with some messages claimed. */
async function claimed(recipients: readonly (readonly string[])[]) {
  const memory = memoryEngine()
  let commits = 0
  const engine: typeof memory = {
    ...memory,
    transact: (...args) => {
      commits += 1
      return memory.transact(...args)
    },
  }
  const world = queueWorld({ engine })
  await world.queue.start()
  for (const to of recipients) await world.put(to)
  const claims = await world.queue.claim(1000, NONE)
  commits = 0
  const settle = (kind: (claim: Claim) => 'delivered' | 'failed') =>
    Promise.allSettled(claims.map((claim) => world.queue.settle(claim, all(claim, kind(claim)))))
  return { ...world, claims, settle, commits: () => commits }
}

it('settles what ends together by few commits', async () => {
  const world = await claimed(Array.from({ length: 200 }, (_, at) => [`a@d${at}.test`]))
  await world.settle(() => 'delivered')
  expect(world.commits()).toBeLessThanOrEqual(5)
  expect(await world.keys()).toBe(0)
  expect(await world.links()).toBe(0)
  expect(world.settled).toHaveLength(200)
  expect(world.events.size).toBe(200)
})

it('settles destinations of one message together, and takes the blob with the last', async () => {
  const world = await claimed([['a@x.test', 'b@y.test', 'c@z.test']])
  expect(world.claims).toHaveLength(3)
  await world.settle(() => 'delivered')
  expect(await world.keys()).toBe(0)
  expect(await world.links()).toBe(0)
})

it('reports what failed among others that were delivered', async () => {
  const world = await claimed(Array.from({ length: 20 }, (_, at) => [`a@d${at}.test`]))
  await world.settle(({ destination }) => (destination === 'd7.test' ? 'failed' : 'delivered'))
  expect(world.delivered).toHaveLength(1)
  expect(world.delivered[0]?.text).toContain('a@d7.test')
  expect(await world.keys()).toBe(0)
  expect(world.settled.filter(({ outcome }) => outcome === 'failed')).toHaveLength(1)
})

it('tells everybody when the commit fails, and settles all when it is asked again', async () => {
  const world = await claimed(Array.from({ length: 5 }, (_, at) => [`a@d${at}.test`]))
  const { transact } = world.engine
  Object.assign(world.engine, { transact: () => Promise.reject(new Error('disk full')) })
  const ends = await world.settle(() => 'delivered')
  expect(ends.map(({ status }) => status)).toEqual(ends.map(() => 'rejected'))
  expect(world.settled).toEqual([])
  Object.assign(world.engine, { transact })
  await world.settle(() => 'delivered')
  expect(await world.keys()).toBe(0)
})
