import type { Clock } from 'mailserver'

const MAX_HOSTS = 10_000

interface Note {
  readonly until: number
  readonly text: string
}

/** What was learned about servers a short while ago: a bounded memory that forgets by itself. */
export class HostMemory {
  readonly #clock: Clock
  readonly #notes = new Map<string, Note>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(host: string, ms: number, text: string): void {
    this.#notes.delete(host)
    this.#notes.set(host, { until: this.#clock.now() + ms, text })
    const oldest = this.#notes.keys().next()
    if (this.#notes.size > MAX_HOSTS && !oldest.done) this.#notes.delete(oldest.value)
  }

  /** What was noted, as long as it holds. */
  read(host: string): string | undefined {
    const note = this.#notes.get(host)
    if (note === undefined) return undefined
    if (note.until > this.#clock.now()) return note.text
    this.#notes.delete(host)
    return undefined
  }

  forget(host: string): void {
    this.#notes.delete(host)
  }
}
