import { describeConfig } from '../config/describe-config.ts'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { ControlContext } from '../control/control-context.ts'
import type { TaskRunner } from '../control/task-runner.ts'
import { MailError } from '../errors/mail-error.ts'
import type { Handler } from '../kernel/handlers.ts'
import type { Host } from '../kernel/host.ts'

/** The routes' view of a host whose plugins are set up. */
export function contextOf(host: Host, config: ResolvedConfig, tasks: TaskRunner): ControlContext {
  return {
    tasks,
    messageBytes: config.limits.messageBytes,
    optional: (ref) => (host.has(ref) ? host.service(ref) : undefined),
    service(ref) {
      if (!host.has(ref)) throw new MailError('UNAVAILABLE', `no plugin of the config provides ${ref.id}`)
      return host.service(ref)
    },
    graph: host.graph,
    hooks: () => hooksOf(host),
    describe: () => describeConfig(config),
  }
}

/** The hooks that plugins of the config act at; what the server itself listens to is none of them. */
function hooksOf(host: Host): [string, readonly Handler[]][] {
  const names = new Set(host.graph.order.map(({ name }) => name))
  return Array.from(host.handlers.entries(), ([hook, handlers]): [string, readonly Handler[]] => [
    hook,
    handlers.filter(({ plugin }) => names.has(plugin)),
  ]).filter(([, handlers]) => handlers.length > 0)
}
