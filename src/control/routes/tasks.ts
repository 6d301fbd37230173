import { z } from 'zod'
import type { ControlContext } from '../control-context.ts'
import { defineRoute } from '../route.ts'

const byId = z.object({ id: z.string() })
const progress = z.object({ phase: z.string(), done: z.number(), total: z.number().optional() })

const task = z.object({
  state: z.enum(['running', 'done', 'failed', 'stopped']),
  progress: progress.nullable(),
  notes: z.array(z.looseObject({})).describe('What it has told since `after`'),
  next: z.number().describe('`after` of the next request'),
  result: z.unknown(),
  error: z
    .object({ code: z.string(), message: z.string(), nextSteps: z.array(z.string()).optional() })
    .loose()
    .nullable(),
})

/** The answer of every route that begins a task. */
export const begunTask = z.object({ task: z.string().describe('Its name: see GET /tasks/{id}') })

export const showTask = defineRoute({
  method: 'GET',
  path: '/tasks/{id}',
  summary: 'How far a task is; waits for news. A task that nobody asks about for a minute is stopped',
  params: byId,
  query: z.strictObject({
    after: z.coerce.number().int().min(0).default(0),
    waitMs: z.coerce.number().int().min(0).max(20_000).default(10_000),
  }),
  response: task,
  async run({ tasks }: ControlContext, { params, query }) {
    const view = await tasks.look(params.id, query.after, query.waitMs)
    return { ...view, progress: view.progress === null ? null : { ...view.progress }, notes: view.notes.map(asRecord) }
  },
})

export const stopTask = defineRoute({
  method: 'DELETE',
  path: '/tasks/{id}',
  summary: 'Tells a task to end; it says `stopped` when it has',
  params: byId,
  response: z.object({ task: z.string() }),
  async run({ tasks }: ControlContext, { params }) {
    tasks.stop(params.id)
    return { task: params.id }
  },
})

export const taskRoutes = [showTask, stopTask] as const

const asRecord = (note: object): Record<string, unknown> => ({ ...note })
