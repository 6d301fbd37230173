import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { segmentPath } from '../../../plugins/level/layout.ts'
import { type Aim, candidates } from '../../../plugins/level/maintenance/candidates.ts'
import type { SegmentState } from '../../../plugins/level/maintenance/segment-states.ts'
import { dataDirectory } from './open-store.ts'

const NOW = Date.UTC(2026, 5, 1)
const AIM: Aim = { liveBelow: 0.4, restedMs: 3_600_000, sealedSince: 0, uncompressed: false }

/** A segment of 1000 octets. */
function segment(number: number, liveBytes: number, more: { isSealed?: boolean; frames?: number } = {}): SegmentState {
  const tally = { frames: more.frames ?? 10, bytes: 900 }
  const position = { sequence: 1n, end: 1_000, tally, synced: 1_000, isSealed: more.isSealed ?? true }
  return { segment: number, position, fileBytes: 1_000, releasedFrames: 1, releasedBytes: 1, liveBytes }
}

function chosen(
  states: readonly SegmentState[],
  aim: Partial<Aim> = {},
  options: { formed?: readonly number[]; busy?: number; young?: number } = {},
): number[] {
  using directory = dataDirectory()
  const layout = { log: join(directory.path, 'log') } as Parameters<typeof candidates>[0]
  mkdirSync(layout.log)
  for (const state of states) {
    const path = segmentPath(layout, state.segment)
    writeFileSync(path, '')
    const written = (NOW - (state.segment === options.young ? 60_000 : 7_200_000)) / 1_000
    utimesSync(path, written, written)
  }
  const found = candidates(
    layout,
    states,
    { ...AIM, ...aim },
    {
      formed: new Set(options.formed),
      isBusy: (number) => number === options.busy,
      now: NOW,
    },
  )
  return found.map(({ segment: number }) => number)
}

describe('what compaction writes anew', () => {
  it('is what is needed least, those first that give back most', () => {
    expect(chosen([segment(1, 300), segment(2, 500), segment(3, 100)])).toEqual([3, 1])
  })

  it('is nothing that is being written, was written lately, is looked through, or is damaged', () => {
    const states = [
      segment(1, 100, { isSealed: false }),
      segment(2, 100),
      segment(3, 100),
      segment(4, 100, { frames: 2 ** 48 }),
      segment(5, 100),
    ]
    expect(chosen(states, {}, { young: 2, busy: 3 })).toEqual([5])
    expect(chosen(states, { restedMs: 0 }, { young: 2, busy: 3 })).toEqual([2, 5])
  })

  it('is nothing of what will be deleted anyway', () => {
    expect(chosen([segment(1, 0), segment(2, 1)])).toEqual([2])
  })

  it('is all that another key has sealed', () => {
    expect(chosen([segment(1, 900), segment(2, 900), segment(3, 900)], { sealedSince: 3 })).toEqual([1, 2])
  })

  it('is all that was never compressed, once', () => {
    expect(chosen([segment(1, 900), segment(2, 900)], { uncompressed: true }, { formed: [2] })).toEqual([1])
  })
})
