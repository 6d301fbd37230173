import { loadConfig } from '../config/load-config.ts'
import type { DataLock } from '../control/data-lock.ts'
import { UserError } from '../errors/user-error.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { prepareDataDirectory, takeLockOf } from './data-directory.ts'
import type { RunningServer } from './running-server.ts'
import { createServerLog, type LogTarget } from './server-log.ts'
import { Supervisor } from './supervisor.ts'

/** A command that works in the store ends soon; a start waits this long for it. */
const COMMAND_MS = 10_000

export interface ServerOptions {
  /** Absolute path. */
  readonly configFile: string
  readonly log: LogTarget
  readonly clock?: Clock
  /** URL of a module that exports `corePlugins` in place of the core's own; for tests. */
  readonly core?: string
}

/**
 * Starts a server and resolves when everything listens.
 * @throws ConfigError, UserError that says what is wrong and what to change; nothing is left running
 */
export async function runServer(options: ServerOptions): Promise<RunningServer> {
  const config = await loadConfig(options.configFile)
  prepareDataDirectory(config.dataDir)
  const lock = await lockForServer(config.dataDir)
  try {
    const log = await createServerLog(options.log, config.log.level)
    const clock = options.clock ?? systemClock
    const supervisor = new Supervisor({ config, log, clock, lock, start: { log: options.log, ...coreOf(options) } })
    await supervisor.start()
    return supervisor
  } catch (error) {
    lock.release()
    throw error
  }
}

async function lockForServer(dataDir: string): Promise<DataLock> {
  const lock = await takeLockOf(dataDir, 'server', COMMAND_MS)
  if ('release' in lock) return lock
  const what = lock.role === 'server' ? 'A server is running' : 'A command is at work'
  throw new UserError(`${what} on ${dataDir} already, as process ${lock.pid}.`, {
    nextSteps:
      lock.role === 'server'
        ? ['See it with: mailserver status', 'Stop it with: mailserver stop', 'Or set another dataDir in the config.']
        : ['Wait until it has ended, then start again.'],
  })
}

function coreOf({ core }: ServerOptions): { core?: string } {
  return core === undefined ? {} : { core }
}
