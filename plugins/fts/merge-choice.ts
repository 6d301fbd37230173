/** Segments that are put together at a time. More are fewer times that a text is written; fewer are fewer to be searched. */
const MERGED_AT_ONCE = 8
/** Octets of a segment that others are not put into any more: a third of a second of work at most. */
export const FULL_OCTETS = 8 * 1024 * 1024

/** Segments that follow each other, as places in the list. */
export interface MergeChoice {
  readonly from: number
  /** The first that is not among them. */
  readonly to: number
}

/**
 * Which segments are to be put together, of a list in the order in which they came: the last eight, once none of them is
 * larger than the others together, so that a text is written anew a few times only. As many of them as fit into one.
 * @param octets of each
 */
export function chooseMerge(octets: readonly number[]): MergeChoice | undefined {
  const from = octets.length - MERGED_AT_ONCE
  if (from < 0) return undefined
  const last = octets.slice(from)
  if (Math.max(...last) * 2 > sumOf(last)) return undefined
  let fitting = last.length
  while (sumOf(last.slice(0, fitting)) > FULL_OCTETS) fitting--
  return fitting < 2 ? undefined : { from, to: from + fitting }
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)
