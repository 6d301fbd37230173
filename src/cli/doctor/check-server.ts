import { existsSync } from 'node:fs'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import type { LockHolder } from '../../control/data-lock.ts'
import { showStatus } from '../../control/routes/server.ts'
import { assertPortsFree } from '../../server/assert-ports-free.ts'
import { openOffline } from '../../server/offline.ts'
import { withServer } from '../reach-server.ts'
import { type Finding, good, warning } from './finding.ts'

/** @throws UserError that names a port which somebody else has */
export async function checkPorts(config: ResolvedConfig, running: LockHolder | undefined): Promise<readonly Finding[]> {
  if (running === undefined) {
    const endpoints = await assertPortsFree(config.plugins)
    if (endpoints.size > 0) return [good('ports', `${[...endpoints].join(', ')}: free`)]
    return [warning('ports', 'nothing listens', 'Add a plugin such as smtp() or imap()')]
  }
  const { listeners, problems } = await withServer(config, (client) => client.call(showStatus))
  const addresses = [...new Set(listeners.map(({ address }) => address))]
  return [
    good('ports', `${addresses.join(', ')}: ours (process ${running.pid})`),
    ...problems.map((problem) => warning('server', problem, 'See what it does with: mailserver logs')),
  ]
}

/** @throws UserError when the store does not open */
export async function checkStore(config: ResolvedConfig, running: LockHolder | undefined): Promise<readonly Finding[]> {
  if (running !== undefined) return [good('store', `open in process ${running.pid}`)]
  if (!existsSync(config.dataDir)) return [good('store', 'is made at the first start')]
  const offline = await openOffline(config)
  await offline[Symbol.asyncDispose]()
  return [good('store', 'opens')]
}
