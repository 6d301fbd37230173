import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import { prepareSocketPath } from '../control/socket-path.ts'

export interface ControlServer {
  readonly path: string
  close(): Promise<void>
}

/**
 * Serves the control API on the unix socket of a data directory, for its owner alone (0600). The caller holds the lock
 * of the directory, so a socket that is there is a dead server's.
 */
export async function serveControl(dataDir: string, app: Hono): Promise<ControlServer> {
  const path = prepareSocketPath(dataDir)
  rmSync(path, { force: true })
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server
  server.listen(path)
  await once(server, 'listening')
  chmodSync(path, 0o600)
  return {
    path,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      rmSync(path, { force: true })
    },
  }
}
