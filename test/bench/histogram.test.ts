import { expect, it } from 'vitest'
import { histogramIn, quantileBetween } from './support/histogram.ts'

const text = (...counts: readonly number[]) => `# TYPE x_seconds histogram
x_seconds_bucket{le="0.001"} ${counts[0]}
x_seconds_bucket{le="0.002"} ${counts[1]}
x_seconds_bucket{le="+Inf"} ${counts[2]}
x_seconds_sum 1
`

it('reads a quantile of what came between two looks at a histogram', () => {
  const before = histogramIn(text(100, 100, 100), 'x_seconds')
  const after = histogramIn(text(150, 190, 200), 'x_seconds')
  expect(quantileBetween(before, after, 0.5)).toBeCloseTo(0.001)
  expect(quantileBetween(before, after, 0.7)).toBeCloseTo(0.0015)
  expect(quantileBetween(before, after, 0.99)).toBeCloseTo(0.002)
  expect(() => quantileBetween(after, after, 0.5)).toThrow(RangeError)
  expect(() => histogramIn(text(0, 0, 0), 'y_seconds')).toThrow('y_seconds')
})
