import { describe, expect, it } from 'vitest'
import { quantile, seriesOf } from './statistics.ts'

describe('a quantile', () => {
  it('lies between neighbours, and does not ask for an order', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
    expect(quantile([10, 9, 8], 0)).toBe(8)
    expect(quantile([10, 9, 8], 1)).toBe(10)
    expect(
      quantile(
        Array.from({ length: 101 }, (_, at) => at),
        0.99,
      ),
    ).toBe(99)
    expect(() => quantile([], 0.5)).toThrow(RangeError)
  })
})

describe('a series', () => {
  it('has its median, and half its range as a part of it', () => {
    expect(seriesOf([90, 110, 100])).toEqual({ values: [90, 110, 100], median: 100, spread: 0.1 })
    expect(seriesOf([0]).spread).toBe(0)
    expect(() => seriesOf([])).toThrow(RangeError)
  })
})
