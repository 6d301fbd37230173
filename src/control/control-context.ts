import type { ConfigDescription } from '../config/describe-config.ts'
import type { Handler } from '../kernel/handlers.ts'
import type { PluginGraph } from '../kernel/plugin-graph.ts'
import type { ServiceRef } from '../kernel/service.ts'
import type { TaskRunner } from './task-runner.ts'

/** What the routes work with: the plugins of a worker, or of a command that runs while no server does. */
export interface ControlContext {
  /** @throws MailError UNAVAILABLE when no plugin provides it */
  service<T>(ref: ServiceRef<T>): T
  /** The same; undefined when no plugin provides it. */
  optional<T>(ref: ServiceRef<T>): T | undefined
  /** Work that takes longer than a request. */
  readonly tasks: TaskRunner
  /** Largest message that is taken, octets. */
  readonly messageBytes: number
  readonly graph: PluginGraph
  /** Every hook that has handlers, with them in the order they run. */
  hooks(): Iterable<readonly [hook: string, handlers: readonly Handler[]]>
  describe(): Promise<ConfigDescription>
}
