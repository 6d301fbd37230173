import { z } from 'zod'
import { MailError } from '../../errors/mail-error.ts'
import { formatAddress } from '../../mail/address.ts'
import { type Queue, type QueueEntry, type QueueFilter, queue, senderText } from '../../queue/queue.ts'
import type { ControlContext } from '../control-context.ts'
import { BadRequest } from '../error-reply.ts'
import { defineRoute } from '../route.ts'

const MAX_PAGE = 1000

const filterFields = {
  id: z.string().optional().describe('A message, or one of its recipients as <message>/<index>'),
  domain: z.string().optional(),
  recipient: z.string().optional(),
  sender: z.string().optional().describe('`<>` for the null reverse-path'),
  state: z.enum(['waiting', 'held', 'delivering']).optional(),
}

const entry = z.object({
  id: z.string().describe('<message>/<index>'),
  message: z.string(),
  sender: z.string(),
  recipient: z.string(),
  state: z.enum(['waiting', 'held', 'delivering']),
  attempts: z.number(),
  size: z.number().describe('Octets'),
  arrivedAt: z.number(),
  dueAt: z.number(),
  expiresAt: z.number(),
  subject: z.string().nullable(),
  route: z.string().nullable(),
  isReport: z.boolean(),
  lastAttempt: z
    .object({
      at: z.number(),
      ms: z.number(),
      remote: z.string().nullable(),
      status: z.string(),
      text: z.string(),
      tls: z.string().nullable(),
    })
    .nullable(),
})

export type QueueEntryView = z.output<typeof entry>

const paused = z.object({ all: z.boolean(), destinations: z.array(z.string()) })

function view({ message, recipient }: QueueEntry): QueueEntryView {
  const { lastAttempt } = recipient
  return {
    id: `${message.id}/${recipient.index}`,
    message: message.id,
    sender: senderText(message.envelope.sender),
    recipient: formatAddress(recipient.recipient.address),
    state: recipient.state,
    attempts: recipient.attempts,
    size: message.size,
    arrivedAt: message.arrivedAt,
    dueAt: recipient.dueAt,
    expiresAt: recipient.expiresAt,
    subject: message.subject ?? null,
    route: recipient.route ?? null,
    isReport: message.isReport,
    lastAttempt:
      lastAttempt === undefined
        ? null
        : { ...lastAttempt, remote: lastAttempt.remote ?? null, tls: lastAttempt.tls ?? null },
  }
}

/** The filter without what was not given. */
function filterOf(given: { readonly [K in keyof QueueFilter]?: QueueFilter[K] | undefined }): QueueFilter {
  const { id, domain, recipient, sender, state } = given
  return {
    ...(id !== undefined && { id }),
    ...(domain !== undefined && { domain }),
    ...(recipient !== undefined && { recipient }),
    ...(sender !== undefined && { sender }),
    ...(state !== undefined && { state }),
  }
}

export const listQueue = defineRoute({
  method: 'GET',
  path: '/queue',
  summary: 'Recipients that wait for delivery elsewhere, a page at a time',
  query: z.strictObject({
    ...filterFields,
    after: z.string().optional().describe('`next` of the page before'),
    limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100),
  }),
  response: z.object({ entries: z.array(entry), next: z.string().nullable() }),
  async run(context: ControlContext, { query }) {
    const { after, limit } = query
    const page = await context.service(queue).list(filterOf(query), { limit, ...(after !== undefined && { after }) })
    return { entries: page.entries.map(view), next: page.next ?? null }
  },
})

export const summarizeQueue = defineRoute({
  method: 'GET',
  path: '/queue/summary',
  summary: 'How many recipients wait in which state, and what is paused',
  response: z.object({ waiting: z.number(), held: z.number(), delivering: z.number(), paused }),
  async run(context: ControlContext) {
    const service = context.service(queue)
    const [waiting, held, delivering, stopped] = await Promise.all([
      service.count({ state: 'waiting' }),
      service.count({ state: 'held' }),
      service.count({ state: 'delivering' }),
      service.paused(),
    ])
    return { waiting, held, delivering, paused: { all: stopped.all, destinations: [...stopped.destinations] } }
  },
})

export const showQueued = defineRoute({
  method: 'GET',
  path: '/queue/messages/{id}',
  summary: 'One message and each of its recipients that still wait',
  params: z.object({ id: z.string() }),
  response: z.object({ entries: z.array(entry) }),
  async run(context: ControlContext, { params }) {
    const { entries } = await context.service(queue).list({ id: params.id }, { limit: MAX_PAGE })
    if (entries.length === 0) throw new MailError('NOT_FOUND', `nothing of ${params.id} is in the queue`)
    return { entries: entries.map(view) }
  },
})

const selection = z.strictObject({
  ...filterFields,
  all: z.boolean().default(false).describe('Must be true when there is no filter'),
  reason: z.string().max(500).optional().describe('For bounce: what the sender is told'),
})

const changes = {
  retry: { summary: 'Tries them again now', run: (q: Queue, filter: QueueFilter) => q.retry(filter) },
  hold: { summary: 'Keeps them in the queue without trying', run: (q: Queue, filter: QueueFilter) => q.hold(filter) },
  release: { summary: 'Lets held ones be tried again', run: (q: Queue, filter: QueueFilter) => q.release(filter) },
  bounce: {
    summary: 'Gives them up at once and tells the sender',
    run: (q: Queue, filter: QueueFilter, reason?: string) => q.bounce(filter, reason),
  },
  remove: { summary: 'Gives them up and tells nobody', run: (q: Queue, filter: QueueFilter) => q.remove(filter) },
} as const

export type QueueChange = keyof typeof changes

const changeRoute = (name: QueueChange) =>
  defineRoute({
    method: 'POST',
    path: `/queue/${name}`,
    summary: changes[name].summary,
    body: selection,
    response: z.object({
      changed: z.number(),
      delivering: z
        .number()
        .describe('Of these, in delivery at this moment: done when the attempt ends, unless it delivers'),
    }),
    async run(context: ControlContext, { body }) {
      const filter = filterOf(body)
      if (Object.keys(filter).length === 0 && !body.all) {
        throw new BadRequest('no filter was given; say all: true to mean the whole queue')
      }
      const service = context.service(queue)
      const changed = await changes[name].run(service, filter, body.reason)
      const isAnyState = filter.state === undefined || filter.state === 'delivering'
      return { changed, delivering: isAnyState ? await service.count({ ...filter, state: 'delivering' }) : 0 }
    },
  })

/** The operations that change what is in the queue, by name. */
export const changeQueue = {
  retry: changeRoute('retry'),
  hold: changeRoute('hold'),
  release: changeRoute('release'),
  bounce: changeRoute('bounce'),
  remove: changeRoute('remove'),
} as const

const destination = z.strictObject({ destination: z.string().min(1).optional().describe('All when left out') })

const switchRoute = (name: 'pause' | 'resume', summary: string) =>
  defineRoute({
    method: 'POST',
    path: `/queue/${name}`,
    summary,
    body: destination,
    response: paused,
    async run(context: ControlContext, { body }) {
      const service = context.service(queue)
      await service[name](body.destination)
      const { all, destinations } = await service.paused()
      return { all, destinations: [...destinations] }
    },
  })

export const pauseQueue = switchRoute('pause', 'Stops all attempts, or those to one destination, until resumed')
export const resumeQueue = switchRoute('resume', 'Lets attempts go on')

export const queueRoutes = [
  listQueue,
  summarizeQueue,
  showQueued,
  ...Object.values(changeQueue),
  pauseQueue,
  resumeQueue,
] as const
