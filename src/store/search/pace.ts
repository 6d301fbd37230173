import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../kernel/clock.ts'

/** How long after a delivery others count as at work. */
const BUSY_MS = 1_000
/** A pause is so many times as long as the work before it: a fifth of the time is left for the work. */
const PAUSES = 4
/** Of one pause: work that waited for others, and not for itself, is not to be followed by minutes of nothing. */
const MAX_PAUSE_MS = 1_000
/** A turn of the loop that takes longer than this was taken by others. */
const LATE_MS = 5

/** Lets work in the background go on at once while nobody else has any, and for a fifth of the time otherwise. */
export class Pace {
  readonly #clock: Clock
  #heardAt = Number.NEGATIVE_INFINITY
  #began: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#began = clock.now()
  }

  /** Somebody delivered. */
  heard(): void {
    this.#heardAt = this.#clock.now()
  }

  /** The work begins now: what passed before was none. */
  begin(): void {
    this.#began = this.#clock.now()
  }

  /** Between two pieces of work: lets everybody else have their turn, and as many more as they seem to need. */
  async turn(signal: AbortSignal): Promise<void> {
    const ended = this.#clock.now()
    await nextTurn()
    const late = this.#clock.now() - ended
    const isBusy = ended - this.#heardAt < BUSY_MS || late >= LATE_MS
    const pause = isBusy ? Math.min(MAX_PAUSE_MS, (ended - this.#began) * PAUSES) : 0
    if (pause > 0) await this.#clock.sleep(pause, signal)
    this.begin()
  }
}
