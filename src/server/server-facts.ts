import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { ServerFacts } from '../kernel/plugin.ts'

/** What of the configuration plugins may know. */
export function serverFacts(config: ResolvedConfig, mode: ServerFacts['mode']): Omit<ServerFacts, 'worker'> {
  const { hostname, dataDir, configDir, workers, limits } = config
  return {
    hostname,
    dataDir,
    configDir,
    workers,
    mode,
    limits: { messageBytes: limits.messageBytes, recipients: limits.recipients },
  }
}

/** Plugins whose faults in a check are passed over, because the config says so. */
export function continueOnError(config: ResolvedConfig): ReadonlySet<string> {
  return new Set(Object.keys(config.onError).filter((name) => config.onError[name] === 'continue'))
}
