import { expect, it } from 'vitest'
import { LiveSet } from '../../src/kernel/live-set.ts'

const sorted = (set: LiveSet<string>) => [...set].sort()

it('holds what was added until it is taken out', () => {
  const set = new LiveSet<string>()
  const leave = ['a', 'b', 'c', 'd'].map((name) => set.add(name))
  expect([set.size, sorted(set)]).toEqual([4, ['a', 'b', 'c', 'd']])
  leave[1]?.()
  leave[1]?.()
  expect([set.size, sorted(set)]).toEqual([3, ['a', 'c', 'd']])
  leave[3]?.()
  leave[0]?.()
  expect(sorted(set)).toEqual(['c'])
  leave[2]?.()
  expect(set.size).toBe(0)
})

it('can be gone through while its members leave', () => {
  const set = new LiveSet<string>()
  const leave = new Map(['a', 'b', 'c'].map((name) => [name, set.add(name)]))
  const seen: string[] = []
  for (const name of set) {
    seen.push(name)
    leave.get(name)?.()
  }
  expect([seen.sort(), set.size]).toEqual([['a', 'b', 'c'], 0])
})
