import type { ResolvedConfig } from '../config/resolved-config.ts'
import { runServer } from '../server/run-server.ts'
import type { LogTarget } from '../server/server-log.ts'
import { obeySignals } from './exit.ts'
import { keepFilesPrivate } from './private-files.ts'
import { readCard } from './read-card.ts'
import type { StartCard } from './start-card.ts'

/**
 * Runs the server in this process until a signal or a command stops it.
 * @param onStarted called when everything listens
 * @throws ConfigError, UserError when it does not start
 */
export async function runForeground(
  config: ResolvedConfig,
  log: LogTarget,
  onStarted: (card: StartCard) => void,
): Promise<void> {
  const signals = obeySignals()
  keepFilesPrivate()
  try {
    const server = await runServer({ configFile: config.file, log })
    if (signals.rule(server)) onStarted(await readCard(config, await server.status()))
    await server.ended
  } finally {
    signals.release()
  }
}
