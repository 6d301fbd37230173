import type { ServerEvent } from '../control/routes/server.ts'

/** Hands the events of the server and its workers to those who read the live feed. */
export class EventFeed {
  readonly #listeners = new Set<(event: ServerEvent) => void>()
  readonly #onWatched: (isWatched: boolean) => void

  /** @param onWatched told when the first reader comes and when the last one goes */
  constructor(onWatched: (isWatched: boolean) => void) {
    this.#onWatched = onWatched
  }

  get isWatched(): boolean {
    return this.#listeners.size > 0
  }

  subscribe(listener: (event: ServerEvent) => void, signal: AbortSignal): void {
    if (signal.aborted) return
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.#onWatched(true)
    const leave = () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#onWatched(false)
    }
    signal.addEventListener('abort', leave, { once: true })
  }

  readonly publish = (event: ServerEvent): void => {
    for (const listener of this.#listeners) listener(event)
  }
}
