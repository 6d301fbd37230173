import { closeSync, fdatasyncSync, ftruncateSync, openSync, readSync, statSync, unlinkSync, writeSync } from 'node:fs'
import type { Position } from '../engine/private-keys.ts'
import { type Layout, segmentPath, syncDirectory } from '../layout.ts'
import { type Dependency, decodeCommit, type Op } from './commit-frame.ts'
import { encodeHead, FRAME } from './frame.ts'
import { type ScannedDamage, scanSegment } from './segment-scan.ts'

/** A segment that may hold commits the index has not. */
export interface Survey {
  readonly segment: number
  /** Where the index's knowledge of it ends. */
  readonly from: Position
  /** What stands before is to be kept. */
  readonly end: number
  /** What stands before is known to be on disk. */
  readonly synced: number
  /** The file as it would be known to the index, up to `end`. */
  readonly reached: Position
  readonly firstSequence: bigint | undefined
  readonly dependent: readonly { offset: number; sequence: bigint; dependencies: readonly Dependency[] }[]
  readonly damages: readonly ScannedDamage[]
}

export interface LoggedCommit {
  readonly sequence: bigint
  readonly end: number
  readonly ops: readonly Op[]
}

/** Of a segment with damage: more frames than can ever be released, so that it is never taken for dead. */
const UNCOUNTABLE_FRAMES = 2 ** 48
const CHUNK_BYTES = 1024 * 1024

/**
 * Reads a segment from where the index knows it, and finds its torn end. A commit names how much of its segment was on
 * disk when it was written: what is not whole before that is damage to something acknowledged, and is passed over; what
 * is not whole after it is the torn end, and nothing behind it was ever acknowledged.
 */
export function surveySegment(layout: Layout, segment: number, from: Position, to?: number): Survey {
  let onDisk = from.synced
  let sequence = from.sequence
  let end = from.end
  let { frames, bytes } = from.tally
  let firstSequence: bigint | undefined
  const dependent: Survey['dependent'][number][] = []
  const damages: ScannedDamage[] = []
  const { size } = statSync(segmentPath(layout, segment))
  // Relaxed commits may reach the index before the disk: a file that ends before them has lost nothing else.
  if (size < from.synced) damages.push({ kind: 'damage', offset: size, end: from.synced })
  const range = { from: from.end, check: true, ...(to !== undefined && { to }) }
  for (const found of scanSegment(layout, segment, range)) {
    end = found.end
    if (found.kind === 'damage') damages.push(found)
    else if (found.type === FRAME.seal) onDisk = Math.max(onDisk, found.offset)
    else if (found.type === FRAME.commit) {
      const commit = decodeCommit(found.payload)
      onDisk = Math.max(onDisk, commit.syncedEnd)
      sequence = commit.sequence
      firstSequence ??= sequence
      if (commit.dependencies.length > 0) {
        dependent.push({ offset: found.offset, sequence, dependencies: commit.dependencies })
      }
    } else {
      frames += 1
      bytes += found.end - found.offset
    }
  }
  // What the index knows of was whole once, be it on disk or not.
  const acknowledged = Math.max(from.end, onDisk)
  const torn = to === undefined ? damages.find(({ offset }) => offset >= acknowledged) : undefined
  if (torn !== undefined) return surveySegment(layout, segment, from, torn.offset)
  if (damages.length > 0) frames = Math.max(frames, UNCOUNTABLE_FRAMES)
  const reached = { sequence, end, tally: { frames, bytes }, synced: end, isSealed: true }
  return { segment, from, end, synced: Math.min(onDisk, end), reached, firstSequence, dependent, damages }
}

/** The commits of a surveyed segment that the index has not, in order. */
export function* commitsOf(layout: Layout, { segment, from, end }: Survey): Generator<LoggedCommit> {
  for (const found of scanSegment(layout, segment, { from: from.end, to: end, check: false })) {
    if (found.kind === 'frame' && found.type === FRAME.commit) yield { ...decodeCommit(found.payload), end: found.end }
  }
}

/**
 * Cuts off the torn end, closes the segment with a seal, and brings it to the disk. An empty one is removed. What is not
 * known to be on disk is written again: after a sync that failed the system may hold it as clean and never write it.
 */
export function sealSegment(layout: Layout, { segment, synced, end }: Survey): void {
  const path = segmentPath(layout, segment)
  if (end === 0) {
    unlinkSync(path)
    syncDirectory(layout.log)
    return
  }
  const fd = openSync(path, 'r+')
  try {
    ftruncateSync(fd, end)
    writeAgain(fd, synced, end)
    fdatasyncSync(fd)
    writeSync(fd, encodeHead(layout.marker, { segment, offset: end }, FRAME.seal, Buffer.alloc(0)), 0, null, end)
    fdatasyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function writeAgain(fd: number, from: number, to: number): void {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, to - from))
  for (let at = from; at < to; ) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, to - at), at)
    for (let written = 0; written < count; ) written += writeSync(fd, buffer, written, count - written, at + written)
    at += count
  }
}
