import { statSync } from 'node:fs'
import { type Layout, segmentPath } from '../layout.ts'
import type { SegmentState } from './segment-states.ts'

/** Which segments are worth writing anew. */
export interface Aim {
  /** Those with less than this share of needed octets. */
  readonly liveBelow: number
  /** Only those that nobody has written to for so long. */
  readonly restedMs: number
  /** Those before it, whatever their share: they are sealed with another key, or not at all. */
  readonly sealedSince: number
  /** Those that were not compressed, whatever their share. */
  readonly uncompressed: boolean
}

/** Of a segment with damage: what is left of it is kept where it is. */
const UNCOUNTABLE_FRAMES = 2 ** 48

/**
 * The segments to write anew, those first that give back most for each octet.
 * @param isBusy segments that must stay for now
 * @param now milliseconds since the epoch
 */
export function candidates(
  layout: Layout,
  states: readonly SegmentState[],
  aim: Aim,
  { formed, isBusy, now }: { formed: ReadonlySet<number>; isBusy: (segment: number) => boolean; now: number },
): SegmentState[] {
  const share = ({ liveBytes, fileBytes }: SegmentState) => liveBytes / Math.max(1, fileBytes)
  return states
    .filter(({ segment, position, liveBytes }) => {
      if (position?.isSealed !== true || liveBytes === 0 || isBusy(segment)) return false
      if (position.tally.frames >= UNCOUNTABLE_FRAMES) return false
      return aim.restedMs === 0 || now - changedAt(segmentPath(layout, segment)) >= aim.restedMs
    })
    .filter((state) => {
      const { segment } = state
      return share(state) < aim.liveBelow || segment < aim.sealedSince || (aim.uncompressed && !formed.has(segment))
    })
    .sort((a, b) => share(a) - share(b))
}

function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY
}
