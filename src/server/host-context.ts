import { describeConfig } from '../config/describe-config.ts'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { ControlContext } from '../control/control-context.ts'
import { MailError } from '../errors/mail-error.ts'
import type { Host } from '../kernel/host.ts'

/** The routes' view of a host whose plugins are set up. */
export function contextOf(host: Host, config: ResolvedConfig): ControlContext {
  return {
    service(ref) {
      if (!host.has(ref)) throw new MailError('UNAVAILABLE', `no plugin of the config provides ${ref.id}`)
      return host.service(ref)
    },
    graph: host.graph,
    hooks: () => host.handlers.entries(),
    describe: () => describeConfig(config),
  }
}
