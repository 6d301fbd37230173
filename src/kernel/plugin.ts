import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Clock } from './clock.ts'
import type { AnyHook, HandlerOf, HandlerOptions } from './hook.ts'
import type { Jobs } from './jobs.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { HookRunner } from './run-hooks.ts'
import type { ServiceRefs, ServicesOf } from './service.ts'

/** Version of the plugin API. A plugin names the range it was written for in `apiVersion`. */
export const API_VERSION = '1.0.0'

type Awaitable<T> = T | Promise<T>

/** What of the configuration a plugin may know. */
export interface ServerFacts {
  /** The name this server goes by: greeting, HELO, Received. */
  readonly hostname: string
  /** Absolute path; plugins keep their files below it. */
  readonly dataDir: string
  /** Directory of the config file: relative paths in options are relative to it. */
  readonly configDir: string
  /**
   * Number of this worker, unique among those that live. Less than `workers`, but for a reload, when two generations
   * live at once: numbers of the new one then go on from there. The supervisor has no number.
   */
  readonly worker: number
  readonly workers: number
  /** `serve` for a running server; `offline` when a command opens the store with no server running: no listeners, no jobs. */
  readonly mode: 'serve' | 'offline'
  readonly limits: {
    /** Octets of the largest message that is taken. */
    readonly messageBytes: number
    /** Recipients of one message. */
    readonly recipients: number
  }
}

/** Registers this plugin's handlers. Frozen once setup is over. */
export interface HookRegistrar {
  on<H extends AnyHook>(hook: H, handler: HandlerOf<H>): void
  on<H extends AnyHook>(hook: H, options: HandlerOptions, handler: HandlerOf<H>): void
}

/** What `setup` is given: everything is this plugin's own (its logger, its registrar), nothing is shared and mutable. */
export interface PluginHost<O, S> {
  readonly options: O
  readonly services: S
  readonly server: ServerFacts
  readonly hooks: HookRegistrar
  readonly run: HookRunner
  readonly jobs: Jobs
  readonly log: Log
  readonly clock: Clock
  readonly metrics: Metrics
  /** What this plugin's `supervise` shared with the workers; undefined when it shares nothing. */
  readonly shared: unknown
}

/** Why work ends: the server stops, or a new generation of workers has taken over. */
export type DrainReason = 'stop' | 'reload'

export interface Lifecycle {
  /** Opens files, binds sockets, starts timers. Runs after every setup, in dependency order. */
  start?(): Awaitable<void>
  /**
   * Takes no new work; resolves once the work in hand is done. The signal fires at the deadline. On `reload` the ports
   * are taken over already and the deadline is long: sessions go on, also idle ones, until they end by themselves or
   * the signal fires. May be called again with `stop` while a drain for `reload` runs.
   */
  drain?(signal: AbortSignal, reason: DrainReason): Awaitable<void>
  /** Releases everything. Runs in reverse order, also when start failed or never ran, perhaps twice. */
  stop?(): Awaitable<void>
}

/** A plugin that declares `provides` must return those services, or it does not compile. */
export type Running<P extends ServiceRefs> = keyof P extends never
  ? Lifecycle | undefined
  : Lifecycle & { services: ServicesOf<P> }

/** The main thread's part of a plugin: it opens before any worker and closes after the last. */
export interface Supervised {
  /** Structured-cloneable (SharedArrayBuffers stay shared): every worker gets it as `host.shared`. */
  readonly shared?: unknown
  /** A worker thread is about to be ended by force, wherever it is. Resolves, soon, when it may be. */
  workerEnding?(worker: number): Awaitable<void>
  /** A worker thread has ended, by order or by crash: free what it held. */
  workerExited?(worker: number): Awaitable<void>
  /** What an operator should look at, for `mailserver status`: each a clause without its full stop. */
  problems?(): readonly string[]
  stop?(): Awaitable<void>
}

export interface SupervisorHost<O> {
  readonly options: O
  readonly server: Omit<ServerFacts, 'worker'>
  readonly log: Log
  /**
   * Asks that all workers end, every plugin's main-thread part is closed, and the same configuration starts again; for a
   * part that cannot go on otherwise. Returns at once; asked again meanwhile, it does nothing. Without a server that
   * serves there is nothing to start again, and nothing happens.
   * @param reason for the log and the status
   */
  restart(reason: string): void
}

export interface PluginSpec<
  Schema extends StandardSchemaV1,
  N extends ServiceRefs,
  P extends ServiceRefs,
  W extends ServiceRefs = Record<never, never>,
> {
  /** Unique in a config; also the topic of its commands and its label in logs and journeys. */
  readonly name: string
  readonly version?: string
  /** Semver range of the plugin API, e.g. `^1`. */
  readonly apiVersion: string
  /** Validates and defaults the options. Any Standard Schema (zod, valibot, arktype). */
  readonly options: Schema
  readonly needs?: N
  readonly provides?: P
  /**
   * Services of other plugins that this one stands in front of: `setup` gets the provider's as it gets what it needs,
   * and returns its own, which everyone else gets. Several plugins wrap in the order of the config.
   */
  readonly wraps?: W
  supervise?(host: SupervisorHost<StandardSchemaV1.InferOutput<Schema>>): Awaitable<Supervised>
  /** Only registers: no I/O before `start`. */
  setup(host: PluginHost<StandardSchemaV1.InferOutput<Schema>, ServicesOf<N & W>>): Awaitable<Running<P & W>>
}

/** A plugin with its options: plain, inspectable data. Nothing has run yet. */
export interface ConfiguredPlugin {
  readonly name: string
  readonly version: string | undefined
  readonly options: unknown
  // biome-ignore lint/suspicious/noExplicitAny: the top of all specs
  readonly spec: PluginSpec<any, any, any, any>
}

/** Options may be left out when every one of them has a default. */
type Factory<I> = Record<never, never> extends I ? (options?: I) => ConfiguredPlugin : (options: I) => ConfiguredPlugin

/**
 * Defines a plugin. Returns the factory that a config calls: `greylist({ delay: '10m' })`.
 * Options are validated when the config is loaded, not when the factory is called.
 */
export function definePlugin<
  Schema extends StandardSchemaV1,
  const N extends ServiceRefs = Record<never, never>,
  const P extends ServiceRefs = Record<never, never>,
  const W extends ServiceRefs = Record<never, never>,
>(spec: PluginSpec<Schema, N, P, W>): Factory<StandardSchemaV1.InferInput<Schema>> {
  const factory = (options: unknown = {}): ConfiguredPlugin =>
    Object.freeze({ name: spec.name, version: spec.version, options, spec })
  return factory as Factory<StandardSchemaV1.InferInput<Schema>>
}
