import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors/user-error.ts'
import { checkGraph } from '../../server/check-graph.ts'
import { runningServer } from '../reach-server.ts'
import { checkCertificates } from './check-certificates.ts'
import { checkDisk, checkModes } from './check-disk.ts'
import { checkDns } from './check-dns.ts'
import { checkPorts, checkStore } from './check-server.ts'
import { type Finding, failed, good } from './finding.ts'

/** What keeps a server of this config from working, one check after the other. A store that is there is opened, as by any command. */
export async function* checkSetup(config: ResolvedConfig): AsyncGenerator<Finding> {
  yield* await attempted('configuration', async () => {
    const plugins = await checkGraph(config)
    return [good('configuration', `${config.file}: ${plugins.length} plugins fit together`)]
  })
  const running = runningServer(config)
  yield* await attempted('ports', () => checkPorts(config, running))
  yield* await attempted('data directory', async () => checkModes(config))
  yield* await attempted('disk', async () => checkDisk(config))
  yield* await attempted('store', () => checkStore(config, running))
  yield* await attempted('DNS', () => checkDns(config))
  yield* await attempted('certificate', async () => checkCertificates(config))
}

async function attempted(check: string, find: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await find()
  } catch (error) {
    const steps = error instanceof UserError ? error.nextSteps : []
    return [failed(check, (error as Error).message, steps[0] ?? 'See the message')]
  }
}
