/** A series of runs of one figure on one side. */
export interface Series {
  readonly values: readonly number[]
  readonly median: number
  /** Half the distance from the least to the greatest, as a part of the median: 0.1 is ±10 %. */
  readonly spread: number
}

/** @throws RangeError for no values */
export function seriesOf(values: readonly number[]): Series {
  if (values.length === 0) throw new RangeError('a series needs a value')
  const middle = quantile(values, 0.5)
  const distance = Math.max(...values) - Math.min(...values)
  return { values, median: middle, spread: middle === 0 ? 0 : distance / 2 / Math.abs(middle) }
}

/**
 * The value that a part `q` (0 to 1) of the values does not exceed, linear between neighbours.
 * @throws RangeError for no values
 */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const below = sorted[Math.floor(at)]
  const above = sorted[Math.ceil(at)]
  if (below === undefined || above === undefined) throw new RangeError('a quantile needs a value')
  return below + (above - below) * (at - Math.floor(at))
}
