import { setTimeout as sleep } from 'node:timers/promises'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import { ControlClient, notRunning } from '../control/client.ts'
import { type LockHolder, lockHolder } from '../control/data-lock.ts'
import { socketPathOf } from '../control/socket-path.ts'
import { localTransport, socketTransport } from '../control/transport.ts'
import { EXIT, UserError } from '../errors/user-error.ts'
import { keepFilesPrivate } from './private-files.ts'

/** A server that has just begun to start has its lock and no socket yet. */
const STARTING_MS = 10_000

/** The server that works on the data directory of a config; undefined when none does. */
export function runningServer(config: ResolvedConfig): LockHolder | undefined {
  const holder = lockHolder(config.dataDir)
  return holder?.role === 'server' ? holder : undefined
}

/** @throws UserError with exit code 3 when no server runs */
export async function withServer<T>(config: ResolvedConfig, use: (client: ControlClient) => Promise<T>): Promise<T> {
  if (runningServer(config) === undefined) throw notRunning()
  return use(await connected(config))
}

/** By the running server, or in the store itself when none runs. */
export async function withStore<T>(config: ResolvedConfig, use: (client: ControlClient) => Promise<T>): Promise<T> {
  if (runningServer(config) !== undefined) return use(await connected(config))
  const { openOffline } = await import('../server/offline.ts')
  keepFilesPrivate()
  const offline = await openOffline(config)
  try {
    return await use(new ControlClient(localTransport(offline.app)))
  } finally {
    await offline[Symbol.asyncDispose]()
  }
}

/** By the running server, or with the plugins of the config set up and not started. */
export async function withPlugins<T>(config: ResolvedConfig, use: (client: ControlClient) => Promise<T>): Promise<T> {
  if (runningServer(config) !== undefined) return use(await connected(config))
  const { setUpOffline } = await import('../server/offline.ts')
  return use(new ControlClient(localTransport(await setUpOffline(config))))
}

/** A client of the server, once that answers. */
async function connected(config: ResolvedConfig): Promise<ControlClient> {
  const transport = socketTransport(socketPathOf(config.dataDir))
  const until = Date.now() + STARTING_MS
  for (;;) {
    try {
      await transport({ method: 'GET', url: '/openapi.json', timeoutMs: STARTING_MS })
      return new ControlClient(transport)
    } catch (cause) {
      const holder = runningServer(config)
      if (holder === undefined) throw notRunning(cause)
      if (Date.now() > until) {
        throw new UserError(`The server, process ${holder.pid}, does not answer: ${(cause as Error).message}`, {
          exitCode: EXIT.notRunning,
          nextSteps: ['It may still be starting: try again', `Or end it with: kill ${holder.pid}`],
          cause,
        })
      }
      await sleep(100)
    }
  }
}
