import { setTimeout as sleep } from 'node:timers/promises'
import {
  type CheckOptions,
  type Compacted,
  type Damage,
  type LongWork,
  MailError,
  type OrphanOptions,
  type StoreFigure,
  type StoreMaintenance,
} from 'mailserver'
import type { ScopeLocks } from '../engine/scope-locks.ts'
import { readPositions } from '../owner/recovery.ts'
import type { SegmentLog } from '../segments/segment-log.ts'
import { SegmentNews } from '../segments/segment-news.ts'
import { checkLog } from './check-log.ts'
import { type CompactionParts, compact, ON_DEMAND, ON_THE_SIDE } from './compaction.ts'
import { type Freed, freeOrphans } from './orphans.ts'
import { storeFigures } from './store-figures.ts'

export interface LevelMaintenanceParts extends CompactionParts {
  /** This thread's own part of the log. */
  readonly segments: SegmentLog
  readonly locks: ScopeLocks
}

/** How long other threads get to end the segments they write. */
const END_MS = 2_000
const END_STEP_MS = 20

/** What one thread can do for the files of the whole store. */
export class LevelMaintenance implements StoreMaintenance {
  readonly #parts: LevelMaintenanceParts
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<unknown>>()

  constructor(parts: LevelMaintenanceParts) {
    this.#parts = parts
  }

  async stats(): Promise<readonly StoreFigure[]> {
    return storeFigures(this.#parts)
  }

  compact(work: LongWork): Promise<Compacted> {
    return this.#run(async () => {
      work.signal.throwIfAborted()
      await this.#endSegments()
      return compact(this.#parts, ON_DEMAND, { ...work, signal: this.#signal(work) })
    })
  }

  /** Rewrites what has come to rest and is mostly dead, slowly. @throws MailError IN_USE, STORE_FULL */
  compactOnTheSide(signal: AbortSignal): Promise<Compacted> {
    return this.#run(() => compact(this.#parts, ON_THE_SIDE, { signal: this.#signal({ signal }) }))
  }

  check(options: CheckOptions): AsyncIterable<Damage> {
    return checkLog(this.#parts, { ...options, signal: this.#signal(options) })
  }

  freeOrphans(options: OrphanOptions): Promise<Freed> {
    return this.#run(() => freeOrphans(this.#parts, { ...options, signal: this.#signal(options) }))
  }

  /** Ends what is under way, and waits for it: what was done stays done. */
  async close(): Promise<void> {
    this.#closing.abort(new MailError('UNAVAILABLE', 'the store is closed'))
    await Promise.allSettled(this.#running)
  }

  #signal({ signal }: { readonly signal: AbortSignal }): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal])
  }

  async #run<T>(fn: () => Promise<T>): Promise<T> {
    const work = fn()
    this.#running.add(work)
    try {
      return await work
    } finally {
      this.#running.delete(work)
    }
  }

  /** A segment that is being written cannot be compacted: asks every thread for an end of its own. */
  async #endSegments(): Promise<void> {
    const { layout, db, shared, segments } = this.#parts
    const written = shared.claimed().flatMap(({ segment }) => (segment === undefined ? [] : [segment]))
    SegmentNews.tell(layout.root, { end: true })
    await segments.end()
    for (let waited = 0; waited < END_MS; waited += END_STEP_MS) {
      const positions = await readPositions(db)
      if (written.every((segment) => positions.get(segment)?.isSealed ?? true)) return
      await sleep(END_STEP_MS)
    }
  }
}
