import type { Clock } from '../kernel/clock.ts'

/**
 * How many TLS handshakes run at once. One that stalls gives its place up after a while, though it may go on until its
 * own timeout: a hundred silent peers must not keep everybody else waiting.
 */
export class HandshakeSlots {
  readonly #clock: Clock
  readonly #places: number
  readonly #holdMs: number
  readonly #waiting = new Set<() => void>()
  #taken = 0

  constructor(clock: Clock, options: { readonly places: number; readonly holdMs: number }) {
    this.#clock = clock
    this.#places = options.places
    this.#holdMs = options.holdMs
  }

  get inFlight(): number {
    return this.#taken
  }

  /** Resolves with the function that gives the place back. @throws the signal's reason when it fires first */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#taken < this.#places) this.#taken += 1
    else await this.#turn(signal)
    let isHeld = true
    const release = () => {
      if (!isHeld) return
      isHeld = false
      cancel()
      this.#passOn()
    }
    const cancel = this.#clock.after(this.#holdMs, release)
    return release
  }

  /** Waits for a place that somebody passes on: `#taken` counts it all along. */
  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.delete(go)
        reject(signal.reason)
      }
      const go = () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      this.#waiting.add(go)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #passOn(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next)
      next()
      return
    }
    this.#taken -= 1
  }
}
