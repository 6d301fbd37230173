import { setTimeout as sleep } from 'node:timers/promises'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import { notRunning } from '../control/client.ts'
import { stopServer as stopRoute } from '../control/routes/server.ts'
import { UserError } from '../errors/user-error.ts'
import { runningServer, withServer } from './reach-server.ts'

/** Beyond the deadline of the drain: stopping plugins, closing files. */
const GRACE_MS = 30_000
const LOOK_MS = 50

/**
 * Stops the running server and resolves when it has ended.
 * @throws UserError with exit code 3 when none runs, and when it has not ended in time
 */
export async function stopServer(config: ResolvedConfig, options: { drain: boolean }): Promise<{ pid: number }> {
  const holder = runningServer(config)
  if (holder === undefined) throw notRunning()
  try {
    await withServer(config, (client) => client.call(stopRoute, { body: options }))
  } catch (error) {
    if (runningServer(config) === undefined) return { pid: holder.pid }
    // It does not answer on its socket; a signal says the same.
    process.kill(holder.pid, 'SIGTERM')
    if (!(error instanceof UserError)) throw error
  }
  const until = Date.now() + config.limits.drainMs + GRACE_MS
  while (runningServer(config)?.pid === holder.pid) {
    if (Date.now() > until) {
      throw new UserError(`The server, process ${holder.pid}, has not ended.`, {
        nextSteps: [`End it by force, which loses no accepted message: kill -9 ${holder.pid}`],
      })
    }
    await sleep(LOOK_MS)
  }
  return { pid: holder.pid }
}
