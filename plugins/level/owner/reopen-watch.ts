/**
 * Notices that the store has stopped, which no thread of it can undo: LevelDB takes nothing more after a failed write of
 * its own, and a failed sync says nothing of what the next one brings to the disk. Opening everything anew does. It is
 * asked for as soon as the disk takes writes again.
 */
import { closeSync, fdatasyncSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from 'mailserver'
import type { Layout } from '../layout.ts'
import { availableAt } from '../segments/room.ts'
import type { SharedState } from '../shared-state.ts'

const LOOK_MS = 1_000
const PROBE = Buffer.alloc(64 * 1024, 1)
/** No segment's name, so that nobody takes one left behind for one. */
const PROBE_NAME = 'probe'

export interface ReopenOptions {
  readonly layout: Layout
  readonly shared: SharedState
  /** Octets that have to be free. */
  readonly reserve: number
  readonly log: Log
  readonly restart: (reason: string) => void
}

/** Returns what ends the watch. */
export function watchForReopening({ layout, shared, reserve, log, restart }: ReopenOptions): () => void {
  let said: string | undefined
  const timer = setInterval(() => {
    if (!shared.hasFailed) return
    const reason = whyNot(layout, reserve)
    if (reason === undefined) {
      clearInterval(timer)
      restart('the store stopped after a fault of the disk, which takes writes again')
    } else if (reason !== said) {
      said = reason
      log.warn({ reason }, 'the store is not opened anew yet')
    }
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** Why a store that was opened now could not work; undefined when it could. */
function whyNot(layout: Layout, reserve: number): string | undefined {
  try {
    const available = availableAt(layout.log)
    if (available < Math.max(reserve, PROBE.length)) return `${available} octets are free, of ${reserve} it needs`
    const path = join(layout.root, PROBE_NAME)
    const fd = openSync(path, 'w', 0o600)
    try {
      writeSync(fd, PROBE)
      fdatasyncSync(fd)
    } finally {
      closeSync(fd)
      unlinkSync(path)
    }
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
