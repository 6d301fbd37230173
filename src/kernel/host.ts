import { ConfigError, type ConfigProblem } from '../errors/config-error.ts'
import type { Clock } from './clock.ts'
import { Handlers } from './handlers.ts'
import type { AnyHook, HandlerOptions } from './hook.ts'
import type { Jobs } from './jobs.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { ConfiguredPlugin, DrainReason, HookRegistrar, Lifecycle, ServerFacts } from './plugin.ts'
import { type PluginGraph, planPlugins } from './plugin-graph.ts'
import { createHookRunner, type HookRunner, type Outcome } from './run-hooks.ts'
import type { ServiceRef } from './service.ts'

export interface HostOptions {
  readonly plugins: readonly ConfiguredPlugin[]
  readonly server: ServerFacts
  readonly log: Log
  readonly clock: Clock
  readonly jobsFor: (plugin: string) => Jobs
  readonly metricsFor: (plugin: string) => Metrics
  /** What each plugin's `supervise` shared, by plugin name. */
  readonly shared?: Readonly<Record<string, unknown>>
  readonly prefer?: Readonly<Record<string, string>>
  readonly continueOnError?: ReadonlySet<string>
  readonly onOutcome?: (outcome: Outcome) => void
}

/** A plugin failed to set up or start: the boot ends, and this says which and what to change. */
export class PluginStartError extends Error {
  override readonly name = 'PluginStartError'
  readonly plugin: string

  constructor(plugin: string, phase: 'setup' | 'start', cause: unknown) {
    super(
      `${plugin} did not ${phase === 'setup' ? 'set up' : 'start'}: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
      },
    )
    this.plugin = plugin
  }
}

interface Member {
  readonly plugin: ConfiguredPlugin
  readonly running: Lifecycle
}

/**
 * Every plugin of one worker through its life: setup, start, drain, stop. Start fails whole or not at all; stop runs
 * in reverse order, whatever happened before, and may be called twice.
 */
export class Host {
  readonly graph: PluginGraph
  readonly handlers = new Handlers()
  readonly run: HookRunner
  readonly #options: HostOptions
  readonly #services = new Map<string, unknown>()
  #members: Member[] = []

  /** @throws ConfigError when the plugins do not fit together */
  constructor(options: HostOptions) {
    this.#options = options
    this.graph = planPlugins(options.plugins, options.prefer)
    const { log, continueOnError, onOutcome } = options
    this.run = createHookRunner({
      handlers: this.handlers,
      log,
      ...(continueOnError && { continueOnError }),
      ...(onOutcome && { onOutcome }),
    })
  }

  /** A service that some plugin provides. @throws Error when none does, or before setup */
  service<T>(ref: ServiceRef<T>): T {
    if (!this.#services.has(ref.id) && !ref.isOptional) throw new Error(`no plugin provides ${ref.id}`)
    return this.#services.get(ref.id) as T
  }

  has(ref: ServiceRef<unknown>): boolean {
    return this.#services.has(ref.id)
  }

  /** Sets every plugin up, in order, then freezes registration. @throws PluginStartError, ConfigError */
  async setup(): Promise<void> {
    for (const plugin of this.graph.order) {
      try {
        const running = (await this.#setUp(plugin)) ?? {}
        this.#members.push({ plugin, running })
        this.#publish(plugin, running)
      } catch (cause) {
        await this.stop()
        throw cause instanceof ConfigError ? cause : new PluginStartError(plugin.name, 'setup', cause)
      }
    }
    this.handlers.freeze()
  }

  /** Starts every plugin in order; when one fails, stops all of them and throws. @throws PluginStartError */
  async start(): Promise<void> {
    for (const { plugin, running } of this.#members) {
      try {
        await running.start?.()
      } catch (cause) {
        await this.stop()
        throw new PluginStartError(plugin.name, 'start', cause)
      }
    }
  }

  /**
   * Lets every plugin finish its work: one that others need waits for those, all else drains at the same time, so that
   * every port closes at once. Never rejects: a fault is logged.
   */
  async drain(signal: AbortSignal, reason: DrainReason = 'stop'): Promise<void> {
    const drains = new Map<ConfiguredPlugin, Promise<void>>()
    // In reverse order: those that need a plugin come after it.
    for (const member of this.#members.toReversed()) {
      const dependents = this.#dependentsOf(member.plugin).map((plugin) => drains.get(plugin))
      drains.set(
        member.plugin,
        Promise.all(dependents).then(() => this.#drainOne(member, signal, reason)),
      )
    }
    await Promise.all(drains.values())
  }

  /** Stops every plugin in reverse order. Never rejects: a fault is logged, and the rest is still stopped. */
  async stop(): Promise<void> {
    const members = this.#members
    this.#members = []
    for (const { plugin, running } of members.toReversed()) {
      try {
        await running.stop?.()
      } catch (err) {
        this.#options.log.error({ plugin: plugin.name, err }, 'a plugin failed to stop')
      }
    }
  }

  async #drainOne({ plugin, running }: Member, signal: AbortSignal, reason: DrainReason): Promise<void> {
    try {
      await running.drain?.(signal, reason)
    } catch (err) {
      this.#options.log.error({ plugin: plugin.name, err }, 'a plugin failed to drain')
    }
  }

  #dependentsOf(provider: ConfiguredPlugin): ConfiguredPlugin[] {
    return this.#members
      .map(({ plugin }) => plugin)
      .filter((plugin) => {
        const needs: Readonly<Record<string, ServiceRef<unknown>>> = { ...plugin.spec.needs, ...plugin.spec.wraps }
        return Object.values(needs).some(({ id }) => this.graph.providers.get(id) === provider)
      })
  }

  async #setUp(plugin: ConfiguredPlugin): Promise<Lifecycle | undefined> {
    const { server, clock, log, jobsFor, metricsFor, shared } = this.#options
    const needs: Readonly<Record<string, ServiceRef<unknown>>> = { ...plugin.spec.needs, ...plugin.spec.wraps }
    return plugin.spec.setup({
      options: await validOptions(plugin),
      services: Object.fromEntries(Object.entries(needs).map(([key, ref]) => [key, this.#services.get(ref.id)])),
      server,
      hooks: this.#registrar(plugin.name),
      run: this.run,
      jobs: jobsFor(plugin.name),
      log: log.child({ plugin: plugin.name }),
      clock,
      metrics: metricsFor(plugin.name),
      shared: shared?.[plugin.name],
    })
  }

  #publish(plugin: ConfiguredPlugin, running: Lifecycle & { services?: Record<string, unknown> }): void {
    const provides: Readonly<Record<string, ServiceRef<unknown>>> = plugin.spec.provides ?? {}
    for (const [key, ref] of Object.entries(provides)) {
      const service = running.services?.[key]
      if (service === undefined) throw new Error(`declares that it provides ${ref.id}, and returned nothing for it`)
      if (this.graph.providers.get(ref.id) === plugin) this.#services.set(ref.id, service)
    }
    const wraps: Readonly<Record<string, ServiceRef<unknown>>> = plugin.spec.wraps ?? {}
    for (const [key, ref] of Object.entries(wraps)) {
      const service = running.services?.[key]
      if (service === undefined) throw new Error(`declares that it wraps ${ref.id}, and returned nothing for it`)
      this.#services.set(ref.id, service)
    }
  }

  #registrar(plugin: string): HookRegistrar {
    const on = (hook: AnyHook, ...rest: unknown[]): void => {
      const options = (rest.length === 2 ? rest[0] : {}) as HandlerOptions
      this.handlers.add(hook, {
        plugin,
        stage: options.stage ?? 'policy',
        order: options.order ?? 'normal',
        timeoutMs: options.timeoutMs ?? hook.timeoutMs,
        handle: rest.at(-1) as (...args: unknown[]) => unknown,
      })
    }
    return { on: on as HookRegistrar['on'] }
  }
}

/**
 * The plugin's options, checked and with their defaults.
 * @throws ConfigError with one problem for each option that is wrong
 */
export async function validOptions(plugin: ConfiguredPlugin, path: string = plugin.name): Promise<unknown> {
  const result = await plugin.spec.options['~standard'].validate(plugin.options)
  if (result.issues === undefined) return result.value
  const issues: readonly { message: string; path?: readonly (PropertyKey | { key: PropertyKey })[] }[] = result.issues
  const problems = issues.map((issue): ConfigProblem => {
    const keys = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step))
    return { path: [path, ...keys].join('.'), message: issue.message }
  })
  throw new ConfigError(problems)
}
