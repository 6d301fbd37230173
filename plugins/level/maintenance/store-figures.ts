import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { StoreFigure } from 'mailserver'
import type { Database } from '../engine/database.ts'
import { LAYOUT_VERSION, type Layout } from '../layout.ts'
import type { SharedState } from '../shared-state.ts'
import { readVersion } from '../version-file.ts'
import { readSegmentStates } from './segment-states.ts'

/** The size of the store and of what it holds. */
export async function storeFigures({
  layout,
  db,
  shared,
}: {
  readonly layout: Layout
  readonly db: Database
  readonly shared: SharedState
}): Promise<StoreFigure[]> {
  const states = await readSegmentStates(layout, db)
  const sum = (of: (state: (typeof states)[number]) => number) => states.reduce((total, each) => total + of(each), 0)
  const logBytes = sum(({ fileBytes }) => fileBytes)
  const liveBytes = sum((state) => state.liveBytes)
  const sealedSince = readVersion(layout.root, LAYOUT_VERSION)?.keys[0]?.since ?? 0
  const figures: StoreFigure[] = [
    { name: 'segments', value: states.length, unit: 'count', help: 'Files of the log' },
    { name: 'log_bytes', value: logBytes, unit: 'octets', help: 'Size of the log' },
    { name: 'live_bytes', value: liveBytes, unit: 'octets', help: 'Message bytes that are needed' },
    {
      name: 'dead_bytes',
      value: sum((s) => s.releasedBytes),
      unit: 'octets',
      help: 'Message bytes not needed any more',
    },
    { name: 'commit_bytes', value: sum(commitBytes), unit: 'octets', help: 'Commits in the log' },
    {
      name: 'live_percent',
      value: logBytes === 0 ? 100 : Math.round((1_000 * liveBytes) / logBytes) / 10,
      unit: 'percent',
      help: 'Share of the log that is message bytes that are needed',
    },
    {
      name: 'frames',
      value: sum(({ position }) => position?.tally.frames ?? 0),
      unit: 'count',
      help: 'Frames with message bytes',
    },
    {
      name: 'dead_frames',
      value: sum((s) => s.releasedFrames),
      unit: 'count',
      help: 'Frames with message bytes that are not needed any more',
    },
    {
      name: 'segments_of_other_keys',
      value: layout.vault === undefined ? 0 : states.filter(({ segment }) => segment < sealedSince).length,
      unit: 'count',
      help: 'Files of the log that are not encrypted with the key of today',
    },
    { name: 'index_bytes', value: directoryBytes(layout.index), unit: 'octets', help: 'Size of the index' },
    {
      name: 'commits',
      value: Number(shared.nextSequence - 1n),
      unit: 'count',
      help: 'Commits since the store was made',
    },
  ]
  return figures
}

function commitBytes({
  fileBytes,
  position,
}: {
  fileBytes: number
  position: { tally: { bytes: number } } | undefined
}) {
  return position === undefined ? 0 : Math.max(0, fileBytes - position.tally.bytes)
}

function directoryBytes(path: string): number {
  return readdirSync(path).reduce(
    (total, name) => total + (statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}
