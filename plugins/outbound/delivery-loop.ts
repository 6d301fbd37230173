import { setImmediate as nextTurn } from 'node:timers/promises'
import { type AttemptResult, type Claim, type Clock, LiveSet, type Log, type Queue } from 'mailserver'

export interface LoopParts {
  readonly queue: Queue
  readonly clock: Clock
  readonly log: Log
  readonly total: number
  readonly perDestination: number
  /** Everything goes to one server, whatever the destination: its limit is that of all. */
  readonly isOneDestination: boolean
  readonly attempt: (claim: Claim, stop: AbortSignal) => Promise<ReadonlyMap<number, AttemptResult>>
  /** Attempts in progress have changed. */
  readonly onChange?: (active: number) => void
}

/** How long the loop waits after the store failed. */
const FAULT_PAUSE_MS = 5_000
const MAX_SETTLE_PAUSE_MS = 60_000
/** Attempts whose end is being written down: their connections serve others meanwhile, and they share commits. */
const MAX_SETTLING = 100

/** Claims what is due and runs the attempts, within the limits, until it is drained. */
export class DeliveryLoop {
  readonly #parts: LoopParts
  readonly #active = new Map<string, number>()
  readonly #running = new LiveSet<Promise<void>>()
  readonly #draining = new AbortController()
  /** Ends what is in progress. */
  readonly #stop = new AbortController()
  #wake: (() => void) | undefined
  /** Attempts that have ended, ever. */
  #ended = 0
  #loop: Promise<void> | undefined
  #count = 0

  constructor(parts: LoopParts) {
    this.#parts = parts
  }

  get active(): number {
    return this.#count
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  /** Claims nothing more; attempts in progress end by themselves, or when the signal fires. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#draining.abort()
    this.#wake?.()
    const stop = () => this.#stop.abort(new Error('The server is going down'))
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    await this.#loop
    await Promise.all(this.#running)
    signal.removeEventListener('abort', stop)
  }

  async #run(): Promise<void> {
    const { queue, total, perDestination, isOneDestination, clock, log } = this.#parts
    const most = isOneDestination ? Math.min(total, perDestination) : total
    const draining = this.#draining.signal
    while (!draining.aborted) {
      // Attempts that end in the same turn are replaced by one claim.
      await nextTurn()
      const free = Math.min(most - this.#count, most + MAX_SETTLING - this.#running.size)
      if (free <= 0) {
        await this.#changed()
        continue
      }
      try {
        const before = this.#ended
        const claims = await queue.claim(free, this.#busy(), (destination) => this.#room(destination))
        for (const claim of claims) this.#begin(claim)
        // What ended while the queue was asked may have made room that it was not told of.
        if (claims.length === 0 && this.#ended === before) await this.#dueOrChanged()
      } catch (err) {
        log.error({ err }, 'the queue could not be read; delivery pauses')
        await clock.sleep(FAULT_PAUSE_MS, draining).catch(() => {})
      }
    }
  }

  #room(destination: string): number {
    if (this.#parts.isOneDestination) return Number.POSITIVE_INFINITY
    return this.#parts.perDestination - (this.#active.get(destination) ?? 0)
  }

  #busy(): ReadonlySet<string> {
    return new Set([...this.#active.keys()].filter((destination) => this.#room(destination) <= 0))
  }

  #begin(claim: Claim): void {
    const { destination } = claim
    this.#active.set(destination, (this.#active.get(destination) ?? 0) + 1)
    this.#count += 1
    this.#parts.onChange?.(this.#count)
    const one = this.#work(claim).finally(() => {
      leave()
      this.#wake?.()
    })
    const leave = this.#running.add(one)
  }

  /** The attempt is over: its place is free. */
  #leave(destination: string): void {
    const left = (this.#active.get(destination) ?? 1) - 1
    if (left > 0) this.#active.set(destination, left)
    else this.#active.delete(destination)
    this.#count -= 1
    this.#ended += 1
    this.#parts.onChange?.(this.#count)
    this.#wake?.()
  }

  async #work(claim: Claim): Promise<void> {
    const { queue, attempt, log } = this.#parts
    if (this.#draining.signal.aborted) {
      await queue
        .unclaim(claim)
        .catch((err) => log.warn({ err }, 'a claim could not be given back; it comes back by itself'))
      this.#leave(claim.destination)
      return
    }
    const results = await attempt(claim, this.#stop.signal).finally(() => this.#leave(claim.destination))
    await this.#settle(claim, results)
  }

  /** The results are all there is of what happened: they are kept until the store takes them, or the server ends. */
  async #settle(claim: Claim, results: ReadonlyMap<number, AttemptResult>): Promise<void> {
    const { queue, clock, log } = this.#parts
    for (let pause = 1000; ; pause = Math.min(pause * 2, MAX_SETTLE_PAUSE_MS)) {
      try {
        await queue.settle(claim, results)
        return
      } catch (err) {
        log.error({ err, message: claim.message.id }, 'the end of an attempt could not be written down; trying again')
        if (this.#stop.signal.aborted) return
        await clock.sleep(pause, this.#stop.signal).catch(() => {})
      }
    }
  }

  #changed(): Promise<void> {
    if (this.#draining.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  async #dueOrChanged(): Promise<void> {
    const ended = new AbortController()
    try {
      await Promise.race([this.#parts.queue.nextDue(ended.signal), this.#changed()])
    } finally {
      ended.abort()
    }
  }
}
