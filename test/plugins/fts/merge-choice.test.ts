import { expect, it } from 'vitest'
import { chooseMerge, FULL_OCTETS } from '../../../plugins/fts/merge-choice.ts'

/** What is there after so many segments of such sizes, and how many octets were written for each that came. */
function grow(sizes: Iterable<number>): { readonly segments: readonly number[]; readonly written: number } {
  const segments: number[] = []
  let [came, written] = [0, 0]
  for (const size of sizes) {
    segments.push(size)
    came += size
    written += size
    const choice = chooseMerge(segments)
    if (choice === undefined) continue
    const merged = segments.slice(choice.from, choice.to).reduce((sum, one) => sum + one, 0)
    segments.splice(choice.from, choice.to - choice.from, merged)
    written += merged
  }
  return { segments, written: written / came }
}

it('keeps the segments few, and writes each text a few times only', () => {
  const { segments, written } = grow(Array.from({ length: 20_000 }, () => 2_000))
  expect(segments.length).toBeLessThan(40)
  expect(written).toBeLessThan(10)
})

it('does the same when batches are of any size, and makes none that is larger than a full one', () => {
  const sizes = Array.from({ length: 5_000 }, (_, at) => 1_000 + ((at * 7919) % 400) ** 2)
  const { segments, written } = grow(sizes)
  const sum = sizes.reduce((all, one) => all + one, 0)
  expect(segments.reduce((all, one) => all + one, 0)).toBe(sum)
  expect(segments.length).toBeLessThan((2 * sum) / FULL_OCTETS + 20)
  expect(Math.max(...segments)).toBeLessThanOrEqual(FULL_OCTETS)
  expect(written).toBeLessThan(6)
})

it('leaves alone what is full, and what is larger than the rest together', () => {
  expect(chooseMerge([100, 1, 1, 1, 1, 1, 1, 1])).toBeUndefined()
  expect(chooseMerge([100, 1, 1, 1, 1, 1, 1, 1, 1])).toEqual({ from: 1, to: 9 })
  expect(chooseMerge(Array.from({ length: 8 }, () => FULL_OCTETS))).toBeUndefined()
  expect(chooseMerge(Array.from({ length: 8 }, () => FULL_OCTETS / 3))).toEqual({ from: 0, to: 3 })
  expect(chooseMerge([1, 1, 1])).toBeUndefined()
})
