import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { ServerEvent } from '../control/routes/server.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { DrainReason } from '../kernel/plugin.ts'
import { unpackStartError } from './start-error.ts'
import type { SupervisedSet } from './supervised-plugins.ts'
import { WorkerHandle } from './worker-handle.ts'
import type { StartError, WorkerStart } from './worker-messages.ts'
import type { WorkerNumbers } from './worker-numbers.ts'

const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 30_000
/** A worker that lived this long had no fault of its start: the next crash is a first one again. */
const STEADY_MS = 60_000
/** Crashes in a row from which on an operator should know. */
const LOOP = 3

export interface GenerationOptions {
  readonly number: number
  readonly config: ResolvedConfig
  readonly supervised: SupervisedSet
  readonly numbers: WorkerNumbers
  readonly start: Pick<WorkerStart, 'log' | 'core'>
  readonly clock: Clock
  readonly log: Log
  readonly onEvent: (event: ServerEvent) => void
  readonly isWatched: () => boolean
  /** A worker that replaced a crashed one found another configuration in the file than the others run. */
  readonly onConfigChanged: () => void
}

/** One place for a worker, filled anew when it crashes. */
interface Place {
  worker: WorkerHandle | undefined
  crashesInARow: number
  crashes: number
  lastFault: string
}

/** Workers that run one evaluation of the configuration. */
export class Generation {
  readonly number: number
  readonly config: ResolvedConfig
  readonly #options: GenerationOptions
  readonly #places: Place[] = []
  readonly #ending = new AbortController()
  readonly #exits = new Set<Promise<void>>()
  #digest = ''
  #released: Promise<void> | undefined

  constructor(options: GenerationOptions) {
    this.number = options.number
    this.config = options.config
    this.#options = options
  }

  get workers(): readonly WorkerHandle[] {
    return this.#places.flatMap(({ worker }) => worker ?? [])
  }

  crashesOf(worker: WorkerHandle): number {
    return this.#places.find((place) => place.worker === worker)?.crashes ?? 0
  }

  /** What an operator should look at. */
  get problems(): readonly string[] {
    return this.#places
      .filter(({ crashesInARow }) => crashesInARow >= LOOP)
      .map(({ crashesInARow, lastFault }) => `a worker has crashed ${crashesInARow} times in a row: ${lastFault}`)
  }

  /**
   * Resolves when every worker listens. The first starts alone: what it makes (a certificate, accounts) is there for
   * the others. When one fails all are ended.
   * @throws ConfigError, UserError
   */
  async start(): Promise<void> {
    const places = Array.from({ length: this.config.workers }, newPlace)
    this.#places.push(...places)
    try {
      const [first, ...others] = places as [Place, ...Place[]]
      this.#digest = await this.#boot(first)
      await Promise.all(others.map((place) => this.#boot(place)))
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Lets the workers end their work; crashed ones are not replaced from now on. */
  async drain(deadlineMs: number, reason: DrainReason): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.workers.map((worker) => worker.drain(deadlineMs, reason)))
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.workers.map((worker) => worker.stop()))
    await this.#allExited()
  }

  async #allExited(): Promise<void> {
    while (this.#exits.size > 0) await Promise.all(this.#exits)
    this.#released ??= this.#options.supervised.release()
    await this.#released
  }

  /** @returns the digest of its config. @throws ConfigError, UserError, BusError */
  async #boot(place: Place): Promise<string> {
    const { config, numbers, start, supervised, clock, onEvent, isWatched } = this.#options
    const worker = new WorkerHandle(
      {
        ...start,
        configFile: config.file,
        worker: numbers.take(),
        generation: this.number,
        shared: supervised.shared,
      },
      { clock, onEvent, beforeKill: (worker) => supervised.workerEnding(worker) },
    )
    place.worker = worker
    const exit = worker.ended.then((fault) => this.#exited(place, worker, fault))
    this.#exits.add(exit)
    void exit.finally(() => this.#exits.delete(exit))
    const answer = await worker.start()
    if (!answer.ok) {
      this.#logStartError(worker, answer.error)
      const error = unpackStartError(answer.error)
      await worker.stop()
      throw error
    }
    if (isWatched()) worker.tell('watched', true)
    return answer.digest
  }

  #logStartError(worker: WorkerHandle, error: StartError): void {
    const { plugin, message, stack } = error
    this.#options.log.error({ worker: worker.number, plugin, stack }, `a worker did not start: ${message}`)
  }

  /** A thread has ended: its plugins free what it held, and a crashed one is replaced. */
  async #exited(place: Place, worker: WorkerHandle, fault: Error | undefined): Promise<void> {
    const { supervised, numbers, clock, log, onEvent } = this.#options
    const wasRunning = worker.state === 'running'
    if (place.worker === worker) place.worker = undefined
    await supervised.workerExited(worker.number)
    numbers.giveBack(worker.number)
    const isOrdered = worker.state === 'stopping' || (this.#ending.signal.aborted && fault === undefined)
    if (isOrdered || worker.state === 'starting') return
    place.crashes++
    place.crashesInARow = clock.now() - worker.startedAt > STEADY_MS ? 1 : place.crashesInARow + 1
    place.lastFault = fault?.message ?? 'it ended by itself'
    log.error({ worker: worker.number, err: fault, crashes: place.crashesInARow }, 'a worker crashed')
    onEvent({ at: clock.now(), kind: 'worker-crashed', text: place.lastFault, worker: worker.number })
    if (wasRunning && !this.#ending.signal.aborted) void this.#replace(place)
  }

  async #replace(place: Place): Promise<void> {
    const { clock, log, onEvent, onConfigChanged } = this.#options
    for (;;) {
      const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** (place.crashesInARow - 1), MAX_BACKOFF_MS)
      try {
        await clock.sleep(backoff, this.#ending.signal)
      } catch {
        // The generation ends: nothing is replaced any more.
        return
      }
      try {
        const digest = await this.#boot(place)
        const number = place.worker?.number ?? -1
        log.info({ worker: number }, 'a crashed worker was replaced')
        onEvent({ at: clock.now(), kind: 'worker-replaced', text: 'a crashed worker was replaced', worker: number })
        if (digest !== this.#digest) onConfigChanged()
        return
      } catch (error) {
        if (this.#ending.signal.aborted) return
        place.crashesInARow++
        place.lastFault = error instanceof Error ? error.message : String(error)
      }
    }
  }
}

function newPlace(): Place {
  return { worker: undefined, crashesInARow: 0, crashes: 0, lastFault: '' }
}
