import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { type ServerStatus, type SessionView, serverStatus, session } from '../server-status.ts'

/** One line of the live feed. */
export interface ServerEvent {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** `started`, `reloaded`, `stopping`, `worker-crashed`, `settled`, `fault`, … */
  readonly kind: string
  readonly text: string
  readonly worker?: number
  readonly detail?: Readonly<Record<string, unknown>>
}

/** What the routes of the supervisor work with. */
export interface SupervisorContext {
  status(): Promise<ServerStatus>
  sessions(): Promise<readonly SessionView[]>
  /** @throws ConfigError, UserError, PluginStartError when the old configuration goes on running */
  reload(): Promise<{ readonly generation: number }>
  /** Begins to stop and returns at once. */
  beginStop(options: { readonly drain: boolean }): { readonly pid: number }
  /** Metrics of all workers in the text format of Prometheus. */
  metrics(): Promise<string>
  /** Hears every event until the signal fires. */
  subscribe(listener: (event: ServerEvent) => void, signal: AbortSignal): void
}

export const showStatus = defineRoute({
  method: 'GET',
  path: '/status',
  summary: 'What runs, since when, what listens, how many sessions and how long the queue is',
  response: serverStatus,
  run: (context: SupervisorContext) => context.status(),
})

export const listSessions = defineRoute({
  method: 'GET',
  path: '/sessions',
  summary: 'Sessions in progress, of all workers',
  query: z.strictObject({
    protocol: z.string().optional(),
    account: z.string().optional(),
    limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
  }),
  response: z.object({ sessions: z.array(session), total: z.number() }),
  async run(context: SupervisorContext, { query: { protocol, account, limit } }) {
    const all = (await context.sessions()).filter(
      (one) =>
        (protocol === undefined || one.protocol === protocol) && (account === undefined || one.account === account),
    )
    return { sessions: all.slice(0, limit), total: all.length }
  },
})

export const reloadServer = defineRoute({
  method: 'POST',
  path: '/reload',
  summary: 'Starts workers with the configuration as it is now, then lets the old ones finish their sessions',
  response: z.object({ generation: z.number() }),
  run: (context: SupervisorContext) => context.reload(),
})

export const stopServer = defineRoute({
  method: 'POST',
  path: '/stop',
  summary: 'Begins to stop: lets work in hand finish, then ends. Answers at once',
  body: z.strictObject({ drain: z.boolean().default(true).describe('false: do not wait for work in hand') }),
  response: z.object({ pid: z.number() }),
  run: async (context: SupervisorContext, { body }) => context.beginStop(body),
})

export const serverRoutes = [showStatus, listSessions, reloadServer, stopServer] as const
