import { getHeapSpaceStatistics } from 'node:v8'
import { expect, it } from 'vitest'
import { trimHeap } from '../../src/server/heap.ts'

const youngBytes = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0

it('gives the young generation back that loading has grown', () => {
  let survivors: object[] = []
  for (let at = 0; at < 1_000_000; at++) survivors.push({ at })
  const grown = youngBytes()
  survivors = []
  trimHeap()
  expect(grown).toBeGreaterThan(8e6)
  expect(youngBytes()).toBeLessThan(grown / 4)
  expect(survivors).toEqual([])
  expect('gc' in globalThis).toBe(false)
})
