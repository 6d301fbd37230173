import type { Engine } from '../store/engine.ts'
import { allPauses, NOTHING, PAUSE_ALL, pauseKey, readPauseKey } from './layout.ts'

export interface Paused {
  readonly all: boolean
  readonly destinations: readonly string[]
}

/** What an operator has stopped. Few keys, read at every claim, so that a pause holds in every worker at once. */
export class Pauses {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  async read(): Promise<Paused> {
    const destinations: string[] = []
    const all = (await this.#engine.get(PAUSE_ALL)) !== undefined
    for await (const batch of this.#engine.scan(allPauses())) {
      for (const [bytes] of batch) destinations.push(readPauseKey(bytes))
    }
    return { all, destinations }
  }

  async set(destination: string | undefined, isPaused: boolean): Promise<void> {
    const name = destination === undefined ? PAUSE_ALL : pauseKey(destination)
    await this.#engine.transact(['queue:pauses'], async (tx) => {
      if (isPaused) tx.put(name, NOTHING)
      else tx.delete(name)
    })
  }
}
