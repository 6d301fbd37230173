import type { Registry } from 'prom-client'
import { loadConfig } from '../config/load-config.ts'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { DataLock } from '../control/data-lock.ts'
import type { ServerEvent, SupervisorContext } from '../control/routes/server.ts'
import type { ServerStatus, SessionView } from '../control/server-status.ts'
import { createSupervisorApp } from '../control/supervisor-app.ts'
import { TaskRunner } from '../control/task-runner.ts'
import { UserError } from '../errors/user-error.ts'
import type { Clock } from '../kernel/clock.ts'
import { PluginStartError } from '../kernel/host.ts'
import { planPlugins } from '../kernel/plugin-graph.ts'
import { assertPortsFree } from './assert-ports-free.ts'
import { compileEarly } from './compiler.ts'
import { type ControlServer, serveControl } from './control-server.ts'
import { dataDirectoryError } from './data-directory.ts'
import { EventFeed } from './event-feed.ts'
import { forwardToWorker } from './forward-to-worker.ts'
import { Generation } from './generation.ts'
import { handedOver } from './hand-over.ts'
import { growHeapFreely, trimHeap } from './heap.ts'
import { allPlugins } from './load-core.ts'
import { packageVersion } from './package-version.ts'
import { RestartPace } from './restart-pace.ts'
import type { RunningServer } from './running-server.ts'
import type { ServerLog } from './server-log.ts'
import * as readings from './server-readings.ts'
import { packStartError, unpackStartError } from './start-error.ts'
import { SupervisedPlugins } from './supervised-plugins.ts'
import type { WorkerHandle } from './worker-handle.ts'
import type { WorkerStart } from './worker-messages.ts'
import { processRegistry } from './worker-metrics.ts'
import { WorkerNumbers } from './worker-numbers.ts'

export interface SupervisorOptions {
  readonly config: ResolvedConfig
  readonly log: ServerLog
  readonly clock: Clock
  readonly lock: DataLock
  readonly start: Pick<WorkerStart, 'log' | 'core'>
}

/** The main thread: owns the control socket and the generations of workers, and lets one take over from another. */
export class Supervisor implements RunningServer, SupervisorContext {
  readonly ended: Promise<void>
  readonly #options: SupervisorOptions
  readonly #log: ServerLog
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #supervised: SupervisedPlugins
  readonly #numbers = new WorkerNumbers()
  readonly #feed: EventFeed
  readonly #metrics: Registry = processRegistry()
  readonly #version = packageVersion()
  readonly #pace: RestartPace
  readonly #ending = new AbortController()
  readonly #hurry = new AbortController()
  readonly #hasEnded = Promise.withResolvers<void>()
  #state: ServerStatus['state'] = 'starting'
  #current: Generation | undefined
  /** The generation before, while its sessions go on. */
  #previous: { readonly generation: Generation; readonly gone: Promise<void> } | undefined
  #endpoints: ReadonlySet<string> = new Set()
  #control: ControlServer | undefined
  #reloading: Promise<unknown> = Promise.resolve()
  #stopping: Promise<void> | undefined
  #lastReloadError: string | undefined
  /** Why everything is started again, and what became of it so far. */
  #restarting: string | undefined
  #generations = 0

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#log = options.log
    this.#clock = options.clock
    this.#startedAt = options.clock.now()
    this.#supervised = new SupervisedPlugins(options.log, (reason) => this.#restart(reason))
    this.#pace = new RestartPace(options.clock)
    this.#feed = new EventFeed((isWatched) => {
      for (const worker of this.#workers()) worker.tell('watched', isWatched)
    })
    this.ended = this.#hasEnded.promise
  }

  get config(): ResolvedConfig {
    return this.#current?.config ?? this.#options.config
  }

  get socketPath(): string {
    return this.#control?.path ?? ''
  }

  /** @throws ConfigError, UserError; nothing runs then */
  async start(): Promise<void> {
    growHeapFreely()
    compileEarly()
    const generation = await this.#launch(this.#options.config)
    this.#current = generation
    try {
      this.#control = await serveControl(this.config.dataDir, this.#app())
    } catch (cause) {
      await generation.stop()
      throw dataDirectoryError(this.config.dataDir, cause)
    }
    this.#state = 'running'
    this.#tell('started', `generation ${generation.number} listens`)
    this.#log.info({ pid: process.pid, workers: this.config.workers, version: this.#version }, 'the server is running')
  }

  async status(): Promise<ServerStatus> {
    const all = await readings.readWorkers(this.#all())
    const { hostname, file, dataDir } = this.config
    return {
      state: this.#state,
      version: this.#version,
      pid: process.pid,
      hostname,
      configFile: file,
      dataDir,
      startedAt: this.#startedAt,
      uptimeMs: this.#clock.now() - this.#startedAt,
      generation: this.#current?.number ?? 0,
      workers: readings.workerViews(all),
      listeners: readings.listenerViews(all.filter(({ generation }) => generation === this.#current)),
      certificate: all.find(({ report }) => report?.certificate)?.report?.certificate ?? null,
      sessions: readings.countByProtocol(all),
      queue: await readings.readQueue(this.#runningWorker()),
      problems: [
        ...this.#all().flatMap(({ problems }) => problems),
        ...this.#supervised.problems,
        ...(this.#restarting === undefined ? [] : [`everything is started again: ${this.#restarting}`]),
        ...(this.#lastReloadError === undefined ? [] : [`the last reload failed: ${this.#lastReloadError}`]),
      ],
    }
  }

  async sessions(): Promise<readonly SessionView[]> {
    return readings.sessionViews(await readings.readWorkers(this.#all()))
  }

  metrics(): Promise<string> {
    return readings.mergedMetrics(this.#all(), this.#metrics)
  }

  subscribe(listener: (event: ServerEvent) => void, signal: AbortSignal): void {
    this.#feed.subscribe(listener, signal)
  }

  reload(): Promise<{ readonly generation: number }> {
    const turn = this.#reloading.then(() => this.#reload())
    this.#reloading = turn.catch(() => {})
    return turn
  }

  beginStop(options: { readonly drain: boolean }): { readonly pid: number } {
    // The answer to the request goes out before the socket closes.
    setImmediate(() => void this.stop(options))
    return { pid: process.pid }
  }

  stop(options: { readonly drain?: boolean } = {}): Promise<void> {
    if (options.drain === false) this.#hurry.abort()
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop({ drain: false })
  }

  async #reload(): Promise<{ readonly generation: number }> {
    if (this.#stopping !== undefined) throw new UserError('The server is stopping.')
    this.#state = 'reloading'
    this.#log.reopen()
    for (const worker of this.#workers()) worker.tell('reopenLog', null)
    try {
      const next = await this.#launchNext()
      this.#lastReloadError = undefined
      return { generation: next.number }
    } catch (error) {
      this.#lastReloadError = error instanceof Error ? error.message : String(error)
      this.#log.error({ err: error }, 'the reload failed; the workers go on with the configuration they have')
      this.#tell('reload-failed', this.#lastReloadError)
      throw error
    } finally {
      if (this.#state === 'reloading') this.#state = 'running'
    }
  }

  async #launchNext(): Promise<Generation> {
    const old = this.#current as Generation
    const config = await loadConfig(old.config.file)
    if (config.dataDir !== old.config.dataDir) {
      throw new UserError(`The data directory changes from ${old.config.dataDir} to ${config.dataDir}.`, {
        nextSteps: ['A reload cannot move it: mailserver restart'],
      })
    }
    // Two generations at most: sessions of the one before the last have had their time.
    await this.#cutPrevious()
    const next = await this.#launch(config)
    this.#current = next
    this.#log.setLevel(config.log.level)
    this.#tell('reloaded', `generation ${next.number} has taken over from ${old.number}`)
    this.#log.info({ generation: next.number }, 'reloaded; the old workers finish their sessions')
    const gone = old.drain(config.limits.reloadMs, 'reload').then(() => this.#retire(old))
    this.#previous = { generation: old, gone }
    await Promise.race([gone, handedOver(old, this.#clock)])
    return next
  }

  /** What a plugin's main-thread part asks for. Sessions are told, and have their time to end. */
  #restart(reason: string): void {
    if (this.#restarting !== undefined || this.#stopping !== undefined) return
    this.#restarting = reason
    this.#reloading = this.#reloading.then(() => this.#startAgain(reason))
  }

  /** Never rejects: it is tried until it works or the server stops. */
  async #startAgain(reason: string): Promise<void> {
    const old = this.#current
    if (old === undefined || this.#stopping !== undefined) return
    this.#state = 'restarting'
    this.#tell('restarting', reason)
    this.#log.warn({ reason }, 'everything is closed, to start again')
    await this.#cutPrevious()
    await old.drain(this.config.limits.drainMs, 'stop')
    await old.stop()
    this.#endpoints = new Set()
    while (!this.#ending.signal.aborted) {
      try {
        await this.#clock.sleep(this.#pace.next(), this.#ending.signal)
        const next = await this.#launch(old.config)
        this.#current = next
        this.#restarting = undefined
        this.#state = 'running'
        this.#tell('restarted', `generation ${next.number} listens`)
        this.#log.info({ generation: next.number }, 'started again')
        return
      } catch (error) {
        if (this.#ending.signal.aborted) return
        const fault = error instanceof Error ? error.message : String(error)
        this.#restarting = `${reason}; the last attempt failed: ${fault}`
        this.#log.error({ err: error }, 'it did not start; another attempt follows')
        this.#tell('restart-failed', fault)
      }
    }
  }

  async #cutPrevious(): Promise<void> {
    const previous = this.#previous
    if (previous === undefined) return
    await previous.generation.drain(this.config.limits.drainMs, 'stop')
    await previous.generation.stop()
    await previous.gone
  }

  async #retire(generation: Generation): Promise<void> {
    await generation.stop()
    if (this.#previous?.generation === generation) this.#previous = undefined
    this.#log.info({ generation: generation.number }, 'the workers before the reload have ended')
  }

  /** Plugins' main-thread parts, then workers. @throws ConfigError, UserError; nothing of it runs then */
  async #launch(config: ResolvedConfig): Promise<Generation> {
    const { clock, start } = this.#options
    try {
      const plugins = planPlugins(await allPlugins(config, start.core), config.prefer).order
      const endpoints = await assertPortsFree(plugins, this.#endpoints)
      const supervised = await this.#supervised.open(config, plugins)
      const generation = new Generation({
        number: ++this.#generations,
        config,
        supervised,
        numbers: this.#numbers,
        start,
        clock,
        log: this.#log,
        onEvent: this.#feed.publish,
        isWatched: () => this.#feed.isWatched,
        onConfigChanged: () => this.#followConfig(),
      })
      const started = generation.start()
      // This thread has loaded what it needs, and waits.
      trimHeap()
      await started
      this.#endpoints = endpoints
      return generation
    } catch (error) {
      // One form for what a plugin says here and what it says in a worker.
      throw error instanceof PluginStartError ? unpackStartError(packStartError(error)) : error
    }
  }

  /** A replaced worker runs what is in the file now: the others follow, so that all run the same. */
  #followConfig(): void {
    this.#log.warn({}, 'the configuration has changed since the server loaded it; reloading')
    void this.reload().catch(() => {
      // Said in the log and in the status already.
    })
  }

  async #stop(): Promise<void> {
    this.#state = 'stopping'
    this.#ending.abort()
    this.#tell('stopping', 'work in hand is finished first')
    this.#log.info({}, 'stopping')
    await this.#reloading
    const all = this.#all()
    if (!this.#hurry.signal.aborted) {
      const hurried = new Promise<void>((resolve) => {
        this.#hurry.signal.addEventListener('abort', () => resolve(), { once: true })
      })
      const drained = Promise.all(all.map((generation) => generation.drain(this.config.limits.drainMs, 'stop')))
      await Promise.race([drained, hurried])
    }
    try {
      await Promise.all(all.map((generation) => generation.stop()))
      await this.#previous?.gone
      await this.#control?.close()
    } finally {
      this.#options.lock.release()
      this.#log.info({}, 'stopped')
      this.#hasEnded.resolve()
    }
  }

  #app() {
    return createSupervisorApp({
      context: this,
      version: this.#version,
      log: this.#log,
      forward: (request) => forwardToWorker(this.#workerFor(request), request),
    })
  }

  #tell(kind: string, text: string): void {
    this.#feed.publish({ at: this.#clock.now(), kind, text })
  }

  #all(): readonly Generation[] {
    return [this.#current, this.#previous?.generation].filter((one) => one !== undefined)
  }

  #workers(): readonly WorkerHandle[] {
    return this.#all().flatMap(({ workers }) => workers)
  }

  /** A task is asked about at the worker that has it; anything else at any worker. */
  #workerFor(request: Request): WorkerHandle | undefined {
    const [, place, id] = new URL(request.url).pathname.split('/')
    const number = place === 'tasks' ? TaskRunner.workerOf(id ?? '') : undefined
    return this.#workers().find((worker) => worker.number === number) ?? this.#runningWorker()
  }

  #runningWorker(): WorkerHandle | undefined {
    return this.#current?.workers.find(({ state }) => state === 'running' || state === 'draining')
  }
}
