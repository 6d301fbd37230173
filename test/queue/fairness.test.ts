import { expect, it } from 'vitest'
import { DueDestinations } from '../../src/queue/due-destinations.ts'
import { all, NONE, queueWorld, tick } from './queue-world.ts'

it('serves every destination beside one with a long line', async () => {
  const world = queueWorld()
  await world.queue.start()
  for (let at = 0; at < 1_000; at++) await world.put(['a@flood.test'])
  await world.clock.advance(1_000)
  const others = Array.from({ length: 100 }, (_, at) => `d${at}.test`)
  for (const name of others) await world.put([`a@${name}`])
  const served = new Map<string, number>()
  for (let round = 0; round < 30; round++) {
    for (const claim of await world.queue.claim(10, NONE)) {
      served.set(claim.destination, (served.get(claim.destination) ?? 0) + 1)
      await world.queue.settle(claim, all(claim, 'delivered'))
    }
    await tick()
  }
  expect(others.filter((name) => !served.has(name))).toEqual([])
  expect(served.get('flood.test')).toBeGreaterThan(100)
})

it('keeps a place for each destination, not for each entry', () => {
  const due = new DueDestinations()
  for (let at = 100_000; at > 0; at--) due.lower('one.test', at)
  for (let at = 0; at < 100_000; at++) due.lower(`d${at % 10_000}.test`, 200_000 - at)
  expect(due.size).toBe(10_001)
  expect(due.ready(200_000, 50, () => true)).toHaveLength(50)
})
