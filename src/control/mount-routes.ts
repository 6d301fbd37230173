import type { Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { z } from 'zod'
import { issueText } from '../config/issue-text.ts'
import type { Log } from '../kernel/log.ts'
import { BadRequest, errorReply } from './error-reply.ts'
import type { AnyRoute } from './route.ts'

/** Largest body of a request, octets. */
export const MAX_BODY_BYTES = 1024 ** 2

/** Adds the routes to an app. What a handler throws becomes an error body with its HTTP status. */
export function mountRoutes<C>(app: Hono, routes: readonly AnyRoute<C>[], context: C, log: Log): void {
  for (const route of routes) {
    const path = route.path.replace(/\{(\w+)\}/g, ':$1')
    app.on(route.method, path, async (c) => {
      const params = checked(route.params, c.req.param(), 'path')
      const query = checked(route.query, c.req.query(), 'query')
      const body = checked(route.body, route.body === undefined ? undefined : await bodyOf(c), 'body')
      return c.json(await route.run(context, { params, query, body }))
    })
  }
  app.onError((error, c) => {
    const { status, body, isOurs } = errorReply(error)
    if (isOurs) log.error({ err: error, method: c.req.method, path: c.req.path }, 'a control request failed')
    return c.json(body, status as ContentfulStatusCode)
  })
  app.notFound((c) => {
    const message = `there is no ${c.req.method} ${c.req.path}; see /openapi.json`
    return c.json({ error: { code: 'NOT_FOUND', message } }, 404)
  })
}

function checked(schema: z.ZodType | undefined, value: unknown, place: string): unknown {
  if (schema === undefined) return undefined
  const result = schema.safeParse(value, { error: issueText })
  if (result.success) return result.data
  const problems = result.error.issues.map(({ path, message }) => [...path.map(String), message].join(': '))
  throw new BadRequest(`${place}: ${problems.join('; ')}`)
}

async function bodyOf(c: Context): Promise<unknown> {
  const text = await c.req.text()
  if (text.length > MAX_BODY_BYTES) throw new BadRequest(`the body is larger than ${MAX_BODY_BYTES} octets`)
  if (text === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    throw new BadRequest('the body is not JSON')
  }
}
