import { expect, it } from 'vitest'
import { DueDestinations } from '../../src/queue/due-destinations.ts'

const any = () => true

it('gives the earliest first, and keeps them', () => {
  const due = new DueDestinations()
  due.lower('c', 3)
  due.lower('a', 1)
  due.lower('b', 2)
  due.lower('d', 9)
  expect(due.ready(5, 2, any)).toEqual(['a', 'b'])
  expect(due.ready(5, 9, any)).toEqual(['a', 'b', 'c'])
  expect(due.next(5)).toBe(9)
  expect(due.next(9)).toBeUndefined()
})

it('passes over what is not wanted without forgetting it', () => {
  const due = new DueDestinations()
  for (const [at, name] of ['a', 'b', 'c'].entries()) due.lower(name, at)
  expect(due.ready(9, 1, (name) => name !== 'a')).toEqual(['b'])
  expect(due.ready(9, 1, any)).toEqual(['a'])
})

it('corrects itself by a look', async () => {
  const due = new DueDestinations()
  due.lower('a', 1)
  due.lower('b', 2)
  await due.look('a', async () => 7)
  expect(due.ready(5, 9, any)).toEqual(['b'])
  await due.look('b', async () => undefined)
  expect(due.ready(5, 9, any)).toEqual([])
  expect(due.size).toBe(1)
})

it('does not lose what is announced while it looks', async () => {
  const due = new DueDestinations()
  due.lower('a', 5)
  await due.look('a', async () => {
    due.lower('a', 6)
    return undefined
  })
  expect(due.ready(9, 9, any)).toEqual(['a'])
})

it('agrees with a sorted list, whatever happens', () => {
  const due = new DueDestinations()
  const expected = new Map<string, number>()
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed % below
  }
  for (let step = 0; step < 3000; step++) {
    const name = `d${random(40)}`
    const at = random(1000)
    due.lower(name, at)
    expected.set(name, Math.min(at, expected.get(name) ?? at))
    if (step % 50 === 0) {
      const now = random(1000)
      const ready = [...expected].filter(([, dueAt]) => dueAt <= now).map(([, dueAt]) => dueAt)
      const got = due.ready(now, 100, any)
      expect(got.map((one) => expected.get(one))).toEqual(ready.sort((a, b) => a - b))
    }
  }
})
