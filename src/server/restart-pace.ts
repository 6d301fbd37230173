import type { Clock } from '../kernel/clock.ts'

const FIRST_MS = 1_000
const MAX_MS = 300_000
/** Who went on for this long without another start had a fault of that moment: the next one is a first one again. */
const STEADY_MS = 600_000

/** How long to wait before everything is started again: at first not at all, then twice as long each time. */
export class RestartPace {
  readonly #clock: Clock
  #starts = 0
  #lastAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds to wait before the next start, which is counted. */
  next(): number {
    const now = this.#clock.now()
    if (now - this.#lastAt > STEADY_MS) this.#starts = 0
    const wait = this.#starts === 0 ? 0 : Math.min(FIRST_MS * 2 ** (this.#starts - 1), MAX_MS)
    this.#starts += 1
    this.#lastAt = now + wait
    return wait
  }
}
