import {
  type CheckOptions,
  type Compacted,
  type Damage,
  type Log,
  type LongWork,
  MailError,
  type OrphanOptions,
  type StoreFigure,
  type StoreMaintenance,
} from 'mailserver'
import type { Database } from '../engine/database.ts'
import type { Layout } from '../layout.ts'
import { sweepInTurn } from '../owner/sweep.ts'
import type { SharedState, Slot } from '../shared-state.ts'
import { checkLog } from './check-log.ts'
import { readSegmentStates } from './segment-states.ts'
import { storeFigures } from './store-figures.ts'

export interface LevelMaintenanceParts {
  readonly layout: Layout
  readonly db: Database
  readonly shared: SharedState
  readonly slot: Slot
  readonly log: Log
}

/** What one thread can do for the files of the whole store. */
export class LevelMaintenance implements StoreMaintenance {
  readonly #parts: LevelMaintenanceParts

  constructor(parts: LevelMaintenanceParts) {
    this.#parts = parts
  }

  async stats(): Promise<readonly StoreFigure[]> {
    const { layout, db, shared } = this.#parts
    return storeFigures(layout, db, shared)
  }

  async compact({ signal }: LongWork): Promise<Compacted> {
    signal.throwIfAborted()
    const { shared, slot } = this.#parts
    if (!shared.begins('compact', slot.index)) {
      throw new MailError('IN_USE', 'a compaction of this store runs already')
    }
    try {
      const before = await this.#logBytes()
      await sweepInTurn(this.#parts, slot.index)
      return { freedBytes: Math.max(0, before - (await this.#logBytes())), movedBytes: 0, movedBlobs: 0 }
    } finally {
      shared.ends('compact', slot.index)
    }
  }

  check(options: CheckOptions): AsyncIterable<Damage> {
    return checkLog(this.#parts, options)
  }

  async freeOrphans({ signal }: OrphanOptions): Promise<{ freedBlobs: number; freedBytes: number }> {
    signal.throwIfAborted()
    return { freedBlobs: 0, freedBytes: 0 }
  }

  async #logBytes(): Promise<number> {
    const states = await readSegmentStates(this.#parts.layout, this.#parts.db)
    return states.reduce((sum, { fileBytes }) => sum + fileBytes, 0)
  }
}
