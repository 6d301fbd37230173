/** What a ratio shall reach: below the floor the work is not done, at the goal it is. */
export interface Bar {
  readonly floor: number
  readonly goal?: number
  /** The only peer this bar is against; every peer of the case when absent. */
  readonly peer?: string
}

/** A limit for our own value, where no peer stands beside it. In the unit of the figure. */
export interface Limit {
  readonly floor: number
  readonly goal?: number
}

/** One quantity that a case measures. */
export interface Figure {
  readonly key: string
  readonly title: string
  readonly unit: string
  readonly better: 'more' | 'less'
  readonly bars?: readonly Bar[]
  readonly limit?: Limit
}

export type Mark = 'goal' | 'pass' | 'miss'

/**
 * How many times better our value is than the peer's: above 1 we are ahead, whichever way the figure counts. Undefined when
 * one of them is nothing, so that no ratio can be had.
 */
export function ratioOf(figure: Figure, ours: number, peer: number): number | undefined {
  const [over, under] = figure.better === 'more' ? [ours, peer] : [peer, ours]
  return under > 0 && over > 0 ? over / under : undefined
}

/** How a ratio stands to a bar. */
export function markOf({ floor, goal }: Bar, ratio: number): Mark {
  if (ratio < floor) return 'miss'
  return ratio >= (goal ?? floor) ? 'goal' : 'pass'
}

/** How a value of ours stands to a limit of its own. */
export function markOfLimit({ better }: Figure, { floor, goal }: Limit, value: number): Mark {
  const reaches = (limit: number) => (better === 'more' ? value >= limit : value <= limit)
  if (!reaches(floor)) return 'miss'
  return reaches(goal ?? floor) ? 'goal' : 'pass'
}

/** The bar that counts against this peer. */
export function barAgainst(figure: Figure, peer: string): Bar | undefined {
  const bars = figure.bars ?? []
  return bars.find((bar) => bar.peer === peer) ?? bars.find((bar) => bar.peer === undefined)
}
