import { Hono } from 'hono'
import type { Log } from '../kernel/log.ts'
import type { ControlContext } from './control-context.ts'
import { mountRoutes } from './mount-routes.ts'
import type { AnyRoute } from './route.ts'
import { accountRoutes } from './routes/accounts.ts'
import { aclRoutes } from './routes/acls.ts'
import { aliasRoutes } from './routes/aliases.ts'
import { showConfig } from './routes/config.ts'
import { domainRoutes } from './routes/domains.ts'
import { findJourneys } from './routes/journeys.ts'
import { pluginRoutes } from './routes/plugins.ts'
import { queueRoutes } from './routes/queue.ts'
import { searchRoutes } from './routes/search.ts'
import { storeRoutes } from './routes/store/store-routes.ts'
import { taskRoutes } from './routes/tasks.ts'

/** The routes that one worker can answer from its own services. */
export const controlRoutes: readonly AnyRoute<ControlContext>[] = [
  ...accountRoutes,
  ...aclRoutes,
  ...aliasRoutes,
  ...domainRoutes,
  ...queueRoutes,
  findJourneys,
  ...storeRoutes,
  ...searchRoutes,
  ...taskRoutes,
  ...pluginRoutes,
  showConfig,
]

/** The control API over the services of a worker, or of a command that runs while no server does. */
export function createControlApp(context: ControlContext, log: Log): Hono {
  const app = new Hono()
  mountRoutes(app, controlRoutes, context, log)
  return app
}
