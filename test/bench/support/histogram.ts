/** Counts of a histogram as Prometheus shows them: how many were at most as large as each bound. */
export type Histogram = ReadonlyMap<number, number>

/** Reads a histogram without labels out of the text of `/metrics`. @throws Error when it is not there */
export function histogramIn(text: string, name: string): Histogram {
  const counts = new Map<number, number>()
  for (const [, bound, count] of text.matchAll(new RegExp(`^${name}_bucket{le="([^"]+)"} (\\d+)$`, 'gm'))) {
    counts.set(bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), Number(count))
  }
  if (counts.size === 0) throw new Error(`there is no ${name} in the metrics`)
  return counts
}

/**
 * The value that a part `q` (0 to 1) of what was counted between two looks did not exceed, linear within a bucket; the
 * greatest bound for what is beyond it.
 * @throws RangeError when nothing was counted
 */
export function quantileBetween(before: Histogram, after: Histogram, q: number): number {
  const bounds = [...after.keys()].sort((a, b) => a - b)
  const counts = bounds.map((bound) => (after.get(bound) ?? 0) - (before.get(bound) ?? 0))
  const wanted = (counts.at(-1) ?? 0) * q
  if (wanted === 0) throw new RangeError('a quantile needs a value')
  const at = counts.findIndex((count) => count >= wanted)
  const [low, below] = at === 0 ? [0, 0] : [bounds[at - 1] as number, counts[at - 1] as number]
  const [high, upTo] = [bounds[at] as number, counts[at] as number]
  return high === Number.POSITIVE_INFINITY ? low : low + ((high - low) * (wanted - below)) / (upTo - below)
}
