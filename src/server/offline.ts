import type { Hono } from 'hono'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import { createControlApp } from '../control/app.ts'
import { TaskRunner } from '../control/task-runner.ts'
import { directory } from '../directory/directory.ts'
import { UserError } from '../errors/user-error.ts'
import { systemClock } from '../kernel/clock.ts'
import { Host } from '../kernel/host.ts'
import type { Jobs } from '../kernel/jobs.ts'
import { silentLog } from '../kernel/log.ts'
import { noMetrics } from '../kernel/metrics.ts'
import type { ConfiguredPlugin } from '../kernel/plugin.ts'
import { planPlugins, subsetFor } from '../kernel/plugin-graph.ts'
import type { ServiceRef } from '../kernel/service.ts'
import { queue } from '../queue/queue.ts'
import { journeys } from '../store/journey.ts'
import { mailStore } from '../store/mail-store.ts'
import { storeContext } from '../store/store-context.ts'
import { prepareDataDirectory, takeLockOf } from './data-directory.ts'
import { contextOf } from './host-context.ts'
import { allPlugins } from './load-core.ts'
import { serverFacts } from './server-facts.ts'
import { SupervisedPlugins } from './supervised-plugins.ts'

/** Another command in the store ends soon; this one waits so long for it. */
const WAIT_MS = 10_000

/** What commands work with when no server runs. */
const SERVICES = [directory, mailStore, queue, journeys, storeContext] as readonly ServiceRef<unknown>[]

export interface Offline extends AsyncDisposable {
  readonly host: Host
  /** The control API over the opened services. */
  readonly app: Hono
}

/**
 * Opens the store in this process: the plugins that the services need, with no listeners and no jobs. Holds the data
 * directory until it is disposed of.
 * @throws UserError when a server or another command holds it, or a plugin does not start
 */
export async function openOffline(
  config: ResolvedConfig,
  services: readonly ServiceRef<unknown>[] = SERVICES,
  core?: string,
): Promise<Offline> {
  prepareDataDirectory(config.dataDir)
  const lock = await takeLockOf(config.dataDir, 'command', WAIT_MS)
  if (!('release' in lock)) {
    throw new UserError(`Process ${lock.pid} is at work in ${config.dataDir}.`, {
      nextSteps: ['Try again when it has ended.'],
    })
  }
  const supervised = new SupervisedPlugins(silentLog)
  try {
    const all = await allPlugins(config, core)
    const { order } = planPlugins(all, config.prefer)
    const plugins = subsetFor(order, services)
    const set = await supervised.open(config, plugins)
    const host = createHost(config, plugins, set.shared)
    const tasks = new TaskRunner(0, systemClock)
    const close = async () => {
      await tasks.close('the command ends')
      await host.stop()
      await set.workerExited(0)
      await set.release()
      lock.release()
    }
    try {
      await host.setup()
      await host.start()
    } catch (error) {
      await close()
      throw error
    }
    return { host, app: createControlApp(contextOf(host, config, tasks), silentLog), [Symbol.asyncDispose]: close }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** The control API over all plugins, set up and never started: for what is known before anything runs. */
export async function setUpOffline(config: ResolvedConfig, core?: string): Promise<Hono> {
  const host = createHost(config, await allPlugins(config, core), {})
  await host.setup()
  return createControlApp(contextOf(host, config, new TaskRunner(0, systemClock)), silentLog)
}

function createHost(
  config: ResolvedConfig,
  plugins: readonly ConfiguredPlugin[],
  shared: Readonly<Record<string, unknown>>,
): Host {
  return new Host({
    plugins,
    server: { ...serverFacts(config, 'offline'), worker: 0, workers: 1 },
    log: silentLog,
    clock: systemClock,
    jobsFor: () => noJobs,
    metricsFor: () => noMetrics,
    shared,
    prefer: config.prefer,
  })
}

const noJobs: Jobs = { every: () => {} }
