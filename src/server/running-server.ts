import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { ServerStatus } from '../control/server-status.ts'

/** A server that listens. Several can run in one process, on different data directories. */
export interface RunningServer extends AsyncDisposable {
  readonly config: ResolvedConfig
  /** Where the control API is served. */
  readonly socketPath: string
  /** Resolves when the server has stopped, whoever stopped it. */
  readonly ended: Promise<void>
  status(): Promise<ServerStatus>
  /**
   * Starts new workers with the configuration as it is in the file now, then lets the old ones finish.
   * @throws ConfigError, UserError when that fails; the old ones go on as they were
   */
  reload(): Promise<{ readonly generation: number }>
  /**
   * Lets work in hand finish until the deadline of the config, then stops. A second call with `drain: false` cuts the
   * waiting short. Resolves when everything has ended.
   */
  stop(options?: { readonly drain?: boolean }): Promise<void>
}
