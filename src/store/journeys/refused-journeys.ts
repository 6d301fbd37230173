import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Engine, Transaction } from '../engine.ts'
import type { JourneyEvent, JourneySubject } from '../journey.ts'

interface Refused {
  readonly subject: JourneySubject
  readonly events: readonly JourneyEvent[]
}

const FLUSH_AFTER_MS = 500
const FLUSH_AT = 256
/** Refused messages that wait to be written; a flood beyond it is counted, and not written. */
const MAX_WAITING = 4_096

/**
 * Journeys of refused messages, written many in a transaction and without waiting for the disk: a flood of refused
 * mail costs neither a commit each nor memory without end.
 */
export class RefusedJourneys {
  readonly #engine: Engine
  readonly #clock: Clock
  readonly #log: Log
  readonly #write: (tx: Transaction, refused: Refused) => void
  #waiting: Refused[] = []
  #dropped = 0
  #cancelTimer: (() => void) | undefined
  #flushing: Promise<void> | undefined

  constructor(parts: { engine: Engine; clock: Clock; log: Log }, write: (tx: Transaction, refused: Refused) => void) {
    this.#engine = parts.engine
    this.#clock = parts.clock
    this.#log = parts.log
    this.#write = write
  }

  add(refused: Refused): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#dropped += 1
      return
    }
    this.#waiting.push(refused)
    if (this.#waiting.length >= FLUSH_AT && this.#flushing === undefined) void this.flush()
    else this.#cancelTimer ??= this.#clock.after(FLUSH_AFTER_MS, () => void this.flush())
  }

  /** Resolves when all that was added before is written. Never rejects: what cannot be written is logged and lost. */
  async flush(): Promise<void> {
    // A flush under way may have begun before the newest came; its end is waited for, and the rest written then.
    while (this.#flushing !== undefined) await this.#flushing
    if (this.#waiting.length === 0) return
    this.#flushing = this.#drain()
    await this.#flushing
  }

  async #drain(): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const batch = this.#waiting
    this.#waiting = []
    const dropped = this.#dropped
    this.#dropped = 0
    if (dropped > 0) this.#log.warn({ dropped }, 'more mail was refused than journeys can be written for')
    try {
      await this.#engine.transactRelaxed([], async (tx) => {
        for (const refused of batch) this.#write(tx, refused)
      })
    } catch (err) {
      this.#log.error({ err, lost: batch.length }, 'journeys of refused messages could not be written')
    } finally {
      this.#flushing = undefined
    }
  }
}
