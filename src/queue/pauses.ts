import type { Engine } from '../store/engine.ts'
import { allPauses, NOTHING, PAUSE_ALL, pauseKey, readPauseKey } from './layout.ts'

export interface Paused {
  readonly all: boolean
  readonly destinations: readonly string[]
}

/** What an operator has stopped. Kept in memory between announcements, since every claim asks. */
export class Pauses {
  readonly #engine: Engine
  #known: Paused | undefined
  #changes = 0

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** They may have changed: they are read anew. */
  forget(): void {
    this.#changes += 1
    this.#known = undefined
  }

  async read(): Promise<Paused> {
    if (this.#known !== undefined) return this.#known
    const before = this.#changes
    const destinations: string[] = []
    const all = (await this.#engine.get(PAUSE_ALL)) !== undefined
    for await (const batch of this.#engine.scan(allPauses())) {
      for (const [bytes] of batch) destinations.push(readPauseKey(bytes))
    }
    const paused = { all, destinations }
    if (this.#changes === before) this.#known = paused
    return paused
  }

  async set(destination: string | undefined, isPaused: boolean): Promise<void> {
    const name = destination === undefined ? PAUSE_ALL : pauseKey(destination)
    await this.#engine.transact(['queue:pauses'], async (tx) => {
      if (isPaused) tx.put(name, NOTHING)
      else tx.delete(name)
    })
    this.forget()
  }
}
