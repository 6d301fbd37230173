import type { Clock } from '../kernel/clock.ts'
import type { Outcome } from '../kernel/run-hooks.ts'
import type { Verdict } from '../kernel/verdict.ts'
import type { JourneyEvent } from '../store/journey.ts'

/** A peer cannot make a journey grow without end: what comes after so many events is left out. */
const MAX_EVENTS = 2_000
const MAX_TEXT = 1_000

/** The steps of a session or of a transaction, gathered until they can be written with the message. */
export class Trace {
  readonly #clock: Clock
  readonly #events: JourneyEvent[]

  /** @param before what happened earlier, e.g. on the connection */
  constructor(clock: Clock, before: readonly JourneyEvent[] = []) {
    this.#clock = clock
    this.#events = [...before]
  }

  get events(): readonly JourneyEvent[] {
    return this.#events
  }

  add(step: string, text: string, extra: Pick<JourneyEvent, 'plugin' | 'detail'> = {}): void {
    if (this.#events.length >= MAX_EVENTS) return
    this.#events.push({ at: this.#clock.now(), step, text: text.slice(0, MAX_TEXT), ...extra })
  }

  /** One event for each handler that had an opinion or failed. */
  hooks(outcomes: readonly Outcome[]): void {
    for (const { plugin, hook, ms, verdict, fault } of outcomes) {
      if (verdict === undefined && fault === undefined) continue
      const opinion = verdict === undefined ? 'no opinion' : describe(verdict)
      const text = fault === undefined ? `${hook}: ${opinion}` : `${hook}: failed (${fault}): ${opinion}`
      this.add('hook', text, { plugin, detail: { ms: Math.round(ms * 10) / 10 } })
    }
  }
}

function describe(verdict: Verdict): string {
  switch (verdict.action) {
    case 'accept':
      return verdict.note === undefined ? 'accept' : `accept, ${verdict.note}`
    case 'redirect':
      return `redirect to ${verdict.to.join(', ')}: ${verdict.reason}`
    case 'quarantine':
    case 'discard':
      return `${verdict.action}: ${verdict.reason}`
    case 'defer':
    case 'reject':
      return `${verdict.action} ${verdict.code} ${verdict.text}`
  }
}
