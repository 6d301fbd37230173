import type { Hono } from 'hono'
import { Registry } from 'prom-client'
import { loadConfig } from '../config/load-config.ts'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import { createControlApp } from '../control/app.ts'
import type { ServerEvent } from '../control/routes/server.ts'
import type { WorkerReport } from '../control/server-status.ts'
import { TaskRunner } from '../control/task-runner.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { Host } from '../kernel/host.ts'
import type { DrainReason } from '../kernel/plugin.ts'
import type { ServiceRef } from '../kernel/service.ts'
import { listeners, sessions, tlsContexts } from '../net/listeners.ts'
import { engine } from '../store/engine.ts'
import { configDigest } from './config-digest.ts'
import { trimHeap } from './heap.ts'
import { contextOf } from './host-context.ts'
import { JobRunner } from './job-runner.ts'
import { allPlugins } from './load-core.ts'
import { continueOnError, serverFacts } from './server-facts.ts'
import { createServerLog, type ServerLog } from './server-log.ts'
import { WorkerEvents } from './worker-events.ts'
import type { WorkerQuestions, WorkerStart } from './worker-messages.ts'
import { metricsFor } from './worker-metrics.ts'

type Control = WorkerQuestions['control']

/** Everything that one worker thread runs: its own evaluation of the config, all plugins, its part of the control API. */
export class Worker {
  readonly #start: WorkerStart
  readonly #clock: Clock
  readonly #events: WorkerEvents
  readonly #metrics = new Registry()
  #log: ServerLog | undefined
  #host: Host | undefined
  #jobs: JobRunner | undefined
  readonly #tasks: TaskRunner
  #app: Hono | undefined

  constructor(start: WorkerStart, tell: (event: ServerEvent) => void, clock: Clock = systemClock) {
    this.#start = start
    this.#clock = clock
    this.#tasks = new TaskRunner(start.worker, clock)
    this.#events = new WorkerEvents(start.worker, clock, tell)
  }

  /** @returns the digest of the config. @throws ConfigError, UserError, PluginStartError; nothing runs then */
  async start(): Promise<string> {
    const config = await loadConfig(this.#start.configFile)
    this.#log = await createServerLog(this.#start.log, config.log.level)
    const log = this.#log.child({ worker: this.#start.worker })
    const jobs = new JobRunner(this.#clock, log)
    const host = await this.#createHost(config, log, jobs)
    this.#events.register(host.handlers)
    await host.setup()
    trimHeap()
    await host.start()
    if (host.has(engine)) jobs.start(host.service(engine))
    this.#host = host
    this.#jobs = jobs
    this.#app = createControlApp(contextOf(host, config, this.#tasks), log)
    return configDigest(config)
  }

  /** Lets work in hand end; what still runs at the deadline is told to end. */
  async drain({ deadlineMs, reason }: { deadlineMs: number; reason: DrainReason }): Promise<void> {
    const deadline = new AbortController()
    const cancel = this.#clock.after(deadlineMs, () =>
      deadline.abort(new Error('the deadline of the drain has passed')),
    )
    // A reload lets a backup go on as it lets sessions; a stop does not wait for one.
    if (reason === 'stop') await this.#tasks.close('the server ends')
    await Promise.all([
      this.#jobs?.stop(),
      this.#host?.drain(deadline.signal, reason),
      this.#tasks.idle(deadline.signal),
    ])
    cancel()
    await this.#tasks.close('the server runs with another configuration now')
  }

  async stop(): Promise<void> {
    await this.#tasks.close('the server ends')
    await this.#jobs?.stop()
    await this.#host?.stop()
    // The thread may be ended by force from here on.
    this.#log?.flush()
  }

  report(): WorkerReport {
    const summary = this.#optional(tlsContexts)?.summary
    return {
      listeners: [...(this.#optional(listeners)?.list() ?? [])],
      sessions: (this.#optional(sessions)?.list() ?? []).map(({ account, ...rest }) => ({
        ...rest,
        account: account ?? null,
      })),
      certificate: summary === undefined ? null : { ...summary, certFile: summary.certFile ?? null },
      heapBytes: process.memoryUsage().heapUsed,
    }
  }

  metrics(): Promise<readonly object[]> {
    return this.#metrics.getMetricsAsJSON()
  }

  async control({ method, url, body }: Control['ask']): Promise<Control['answer']> {
    if (this.#app === undefined) throw new Error('the worker has not started')
    const response = await this.#app.request(`http://control${url}`, { method, ...(body !== null && { body }) })
    const contentType = response.headers.get('content-type') ?? 'application/json'
    return { status: response.status, contentType, body: await response.text() }
  }

  set isWatched(isWatched: boolean) {
    this.#events.isWatched = isWatched
  }

  reopenLog(): void {
    this.#log?.reopen()
  }

  async #createHost(config: ResolvedConfig, log: ServerLog | ReturnType<ServerLog['child']>, jobs: JobRunner) {
    const { worker, shared, core } = this.#start
    return new Host({
      plugins: await allPlugins(config, core),
      server: { ...serverFacts(config, 'serve'), worker },
      log,
      clock: this.#clock,
      jobsFor: (plugin) => jobs.for(plugin),
      metricsFor: (plugin) => metricsFor(this.#metrics, plugin),
      shared,
      prefer: config.prefer,
      continueOnError: continueOnError(config),
      onOutcome: (outcome) => this.#events.outcome(outcome),
    })
  }

  #optional<T>(ref: ServiceRef<T>): T | undefined {
    return this.#host?.has(ref) === true ? this.#host.service(ref) : undefined
  }
}
