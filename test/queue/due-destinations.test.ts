import { expect, it } from 'vitest'
import { DueDestinations } from '../../src/queue/due-destinations.ts'

const any = () => true

/** What it gives when nothing is new: its knowledge is taken from looks. */
async function looked(heads: Record<string, number>) {
  const due = new DueDestinations()
  for (const [name, at] of Object.entries(heads)) await due.look(name, async () => at)
  return due
}

it('gives the earliest first, and keeps them', async () => {
  const due = await looked({ c: 3, a: 1, b: 2, d: 9 })
  expect(due.ready(5, 2, any)).toEqual(['a', 'b'])
  expect(due.ready(5, 9, any)).toEqual(['a', 'b', 'c'])
  expect(due.next(5)).toBe(9)
  expect(due.next(9)).toBeUndefined()
})

it('passes over what is not wanted without forgetting it', async () => {
  const due = await looked({ a: 0, b: 1, c: 2 })
  expect(due.ready(9, 1, (name) => name !== 'a')).toEqual(['b'])
  expect(due.ready(9, 1, any)).toEqual(['a'])
})

it('lets new mail pass a long line of old destinations, without stopping that', async () => {
  const due = await looked(Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`old${at}`, at])))
  due.lower('new1', 500)
  due.lower('new2', 501)
  due.lower('later', 9999)
  expect(due.ready(600, 4, any).sort()).toEqual(['new1', 'new2', 'old0', 'old1'])
  expect(due.ready(600, 2, any)).toEqual(['old0', 'old1'])
})

it('gives no destination twice', () => {
  const due = new DueDestinations()
  for (let at = 9; at >= 0; at--) due.lower('a', at)
  due.lower('b', 3)
  expect(due.ready(9, 9, any).sort()).toEqual(['a', 'b'])
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
      expect(got.map((one) => expected.get(one) ?? -1).sort((a, b) => a - b)).toEqual(ready.sort((a, b) => a - b))
    }
  }
})
