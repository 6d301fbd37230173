import { z } from 'zod'
import { controlRoutes } from './app.ts'
import { errorBody } from './error-reply.ts'
import type { AnyRoute } from './route.ts'
import { serverRoutes } from './routes/server.ts'

/** The OpenAPI 3.1 document of the whole control API. */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of [...serverRoutes, ...controlRoutes] as readonly AnyRoute[]) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) }
  }
  paths['/metrics'] = { get: plain('Metrics of all workers', 'text/plain') }
  paths['/events'] = { get: plain('The live feed, as server-sent events', 'text/event-stream') }
  return {
    openapi: '3.1.0',
    info: {
      title: 'mailserver control API',
      version,
      description: 'Served on a unix socket in the data directory, for its owner alone.',
    },
    paths,
  }
}

function operation({ summary, params, query, body, response }: AnyRoute): object {
  return {
    summary,
    parameters: [...parameters(params, 'path'), ...parameters(query, 'query')],
    ...(body !== undefined && { requestBody: { required: true, content: json(body, 'input') } }),
    responses: {
      200: { description: 'Done', content: json(response, 'output') },
      default: { description: 'It was not done; this says why', content: json(errorBody, 'output') },
    },
  }
}

function plain(summary: string, type: string): object {
  return { summary, responses: { 200: { description: 'Done', content: { [type]: { schema: { type: 'string' } } } } } }
}

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query'): object[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = jsonSchema(schema, 'input')
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
  }))
}

function json(schema: z.ZodType, io: 'input' | 'output'): object {
  return { 'application/json': { schema: jsonSchema(schema, io) } }
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output') {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any', target: 'draft-2020-12' })
}
