import { Worker as Thread } from 'node:worker_threads'
import type { ServerEvent } from '../control/routes/server.ts'
import type { WorkerStatus } from '../control/server-status.ts'
import type { Clock } from '../kernel/clock.ts'
import type { DrainReason } from '../kernel/plugin.ts'
import { Bus } from './bus.ts'
import type {
  NoQuestions,
  StartAnswer,
  SupervisorNews,
  WorkerNews,
  WorkerQuestions,
  WorkerStart,
} from './worker-messages.ts'

/** Opening a large store after a crash takes time; beyond this something hangs. */
const START_MS = 180_000
/** What a worker may take beyond the deadline of a drain, to cut what was left. */
const DRAIN_GRACE_MS = 3_000
const STOP_MS = 10_000
/** After it has said that it stopped, a thread that something keeps alive is ended. */
const EXIT_MS = 1_000

/** Sources run as they are, by type stripping; a build has its modules beside this one as JavaScript. */
const IS_SOURCE = import.meta.url.endsWith('.ts')
const ENTRY = new URL(`./worker-main${IS_SOURCE ? '.ts' : '.js'}`, import.meta.url)

type WorkerBus = Bus<WorkerQuestions, SupervisorNews, NoQuestions, WorkerNews>

export interface WorkerHandleOptions {
  readonly clock: Clock
  readonly onEvent: (event: ServerEvent) => void
  /** Resolves when the thread of this worker may be ended by force. Never rejects. */
  readonly beforeKill: (worker: number) => Promise<void>
}

/** The supervisor's hold on one worker thread. */
export class WorkerHandle {
  readonly number: number
  readonly generation: number
  readonly startedAt: number
  /** Resolves when the thread has ended, with what ended it when that was a fault. */
  readonly ended: Promise<Error | undefined>
  state: WorkerStatus['state'] = 'starting'
  readonly #thread: Thread
  readonly #bus: WorkerBus
  readonly #clock: Clock
  readonly #beforeKill: WorkerHandleOptions['beforeKill']
  #hasEnded = false

  constructor(start: WorkerStart, { clock, onEvent, beforeKill }: WorkerHandleOptions) {
    this.number = start.worker
    this.generation = start.generation
    this.startedAt = clock.now()
    this.#clock = clock
    this.#beforeKill = beforeKill
    this.#thread = new Thread(ENTRY, {
      workerData: start,
      name: `worker-${start.worker}`,
      execArgv: IS_SOURCE ? ['--conditions=source'] : [],
    })
    this.#bus = new Bus(this.#thread, clock)
    this.#bus.hear('event', onEvent)
    this.ended = new Promise((resolve) => {
      let fault: Error | undefined
      this.#thread.once('error', (error) => {
        fault = error instanceof Error ? error : new Error(String(error))
      })
      this.#thread.once('exit', (code) => {
        this.#hasEnded = true
        this.#bus.close(`worker ${this.number} has ended`)
        resolve(fault ?? (code === 0 ? undefined : new Error(`worker ${this.number} ended with code ${code}`)))
      })
    })
  }

  /** @throws Error when the thread ends, or takes too long; it has ended then */
  async start(): Promise<StartAnswer> {
    try {
      const answer = await this.#bus.ask('start', null, START_MS)
      if (answer.ok) this.state = 'running'
      return answer
    } catch (error) {
      throw (await this.#end()) ?? error
    }
  }

  /** Resolves when its work is done, or some seconds after the deadline. Never rejects. */
  async drain(deadlineMs: number, reason: DrainReason): Promise<void> {
    this.state = 'draining'
    try {
      await this.#bus.ask('drain', { deadlineMs, reason }, deadlineMs + DRAIN_GRACE_MS)
    } catch {
      // It crashed, or a plugin did not heed the deadline: stop ends what is left.
    }
  }

  /** Stops its plugins and ends the thread, by force when it does not end. Never rejects. */
  async stop(): Promise<void> {
    this.state = 'stopping'
    try {
      await this.#bus.ask('stop', null, STOP_MS)
      await Promise.race([this.ended, this.#clock.sleep(EXIT_MS)])
    } catch {
      // It crashed or hangs: it is ended below all the same.
    }
    await this.#end()
  }

  async #end(): Promise<Error | undefined> {
    // Its number may be another one's by then.
    if (!this.#hasEnded) await this.#beforeKill(this.number)
    await this.#thread.terminate()
    return this.ended
  }

  ask<K extends 'report' | 'metrics' | 'control'>(
    name: K,
    value: WorkerQuestions[K]['ask'],
    timeoutMs: number,
  ): Promise<WorkerQuestions[K]['answer']> {
    return this.#bus.ask(name, value, timeoutMs)
  }

  tell<K extends keyof SupervisorNews>(name: K, value: SupervisorNews[K]): void {
    this.#bus.tell(name, value)
  }
}
