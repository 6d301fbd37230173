import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Log } from '../kernel/log.ts'
import { mountRoutes } from './mount-routes.ts'
import { openApiDocument } from './openapi.ts'
import { type ServerEvent, type SupervisorContext, serverRoutes } from './routes/server.ts'

/** Events that a slow reader of the feed may lag behind before it loses some. */
const MAX_BACKLOG = 1_000
const HEARTBEAT_MS = 15_000

/**
 * The control API as the unix socket serves it: the supervisor answers what it knows, and hands the rest to a worker.
 * @param forward answers a request by one worker
 */
export function createSupervisorApp(options: {
  readonly context: SupervisorContext
  readonly version: string
  readonly log: Log
  readonly forward: (request: Request) => Promise<Response>
}): Hono {
  const { context, log } = options
  const app = new Hono()
  app.get('/openapi.json', (c) => c.json(openApiDocument(options.version)))
  app.get('/metrics', async (c) => c.text(await context.metrics()))
  app.get('/events', (c) => streamSSE(c, (stream) => feed(context, stream)))
  mountRoutes(app, serverRoutes, context, log)
  app.notFound((c) => options.forward(c.req.raw))
  return app
}

interface Stream {
  readonly aborted: boolean
  onAbort(listener: () => void): void
  writeSSE(message: { data: string; event?: string }): Promise<void>
}

async function feed(context: SupervisorContext, stream: Stream): Promise<void> {
  const ended = new AbortController()
  let wake: (() => void) | undefined
  let backlog: ServerEvent[] = []
  let isLagging = false
  stream.onAbort(() => {
    ended.abort()
    wake?.()
  })
  context.subscribe((event) => {
    if (backlog.length < MAX_BACKLOG) backlog.push(event)
    else isLagging = true
    wake?.()
  }, ended.signal)
  while (!stream.aborted) {
    const batch = backlog
    backlog = []
    for (const event of batch) await stream.writeSSE({ event: event.kind, data: JSON.stringify(event) })
    if (isLagging) await stream.writeSSE({ event: 'lost', data: '{"text":"events were left out"}' })
    isLagging = false
    if (batch.length > 0) continue
    const { promise, resolve } = Promise.withResolvers<void>()
    wake = resolve
    const heartbeat = setTimeout(resolve, HEARTBEAT_MS)
    await promise
    clearTimeout(heartbeat)
    wake = undefined
    if (backlog.length === 0 && !stream.aborted) await stream.writeSSE({ event: 'alive', data: '{}' })
  }
}
