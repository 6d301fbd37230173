import type { Clock } from '../kernel/clock.ts'
import type { Jobs } from '../kernel/jobs.ts'
import type { Log } from '../kernel/log.ts'
import type { Engine, Lease } from '../store/engine.ts'

/** The first run comes up to this part of an interval early, so that servers of one cluster do not all ask at once. */
const JITTER = 0.1
/** A lease outlives this many missed renewals; the engine renews it while its holder lives. */
const LEASE_MS = 30_000

interface Job {
  readonly plugin: string
  readonly name: string
  readonly intervalMs: number
  readonly run: (signal: AbortSignal) => Promise<void>
}

/**
 * Recurring work of one worker. The worker that first gets a job's lease keeps the job while it lives; the others ask
 * again at each of their turns, and one of them goes on when it has gone.
 */
export class JobRunner {
  readonly #clock: Clock
  readonly #log: Log
  readonly #jobs: Job[] = []
  readonly #ending = new AbortController()
  readonly #running = new Set<Promise<void>>()

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** What one plugin registers its jobs with. */
  for(plugin: string): Jobs {
    return {
      every: (intervalMs, name, run) => {
        if (!(intervalMs > 0)) throw new Error(`job ${name}: expected an interval above 0 ms, got ${intervalMs}`)
        if (this.#jobs.some((job) => job.plugin === plugin && job.name === name)) {
          throw new Error(`job ${name} is registered twice`)
        }
        this.#jobs.push({ plugin, name, intervalMs, run })
      },
    }
  }

  /** Begins to run what is registered. */
  start(engine: Engine): void {
    for (const job of this.#jobs) {
      const running = this.#loop(job, engine).catch((err: unknown) => {
        if (!this.#ending.signal.aborted) this.#log.error({ plugin: job.plugin, job: job.name, err }, 'a job ended')
      })
      this.#running.add(running)
      void running.finally(() => this.#running.delete(running))
    }
  }

  /** Tells running jobs to end, and resolves when they have; gives their leases back. */
  async stop(): Promise<void> {
    this.#ending.abort(new Error('the server drains'))
    await Promise.all(this.#running)
  }

  async #loop(job: Job, engine: Engine): Promise<void> {
    const ending = this.#ending.signal
    let lease: Lease | undefined
    try {
      await this.#clock.sleep(job.intervalMs * (1 - JITTER * Math.random()), ending)
      while (!ending.aborted) {
        if (lease?.lost.aborted) lease = undefined
        lease ??= await engine.lease(`job:${job.plugin}:${job.name}`, LEASE_MS)
        if (lease !== undefined) await this.#run(job, AbortSignal.any([ending, lease.lost]))
        await this.#clock.sleep(job.intervalMs, ending)
      }
    } finally {
      await lease?.release()
    }
  }

  async #run(job: Job, signal: AbortSignal): Promise<void> {
    try {
      await job.run(signal)
    } catch (err) {
      if (signal.aborted) return
      this.#log.error({ plugin: job.plugin, job: job.name, err }, 'a job failed; it runs again at its next turn')
    }
  }
}
