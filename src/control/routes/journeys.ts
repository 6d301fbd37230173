import { z } from 'zod'
import { journeys } from '../../store/journey.ts'
import type { ControlContext } from '../control-context.ts'
import { defineRoute } from '../route.ts'

const journey = z.object({
  id: z.string(),
  messageId: z.string().nullable().describe('The Message-ID header field'),
  sender: z.string().nullable(),
  recipients: z.array(z.string()),
  events: z.array(
    z.object({
      at: z.number(),
      step: z.string(),
      plugin: z.string().nullable(),
      text: z.string(),
      detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).nullable(),
    }),
  ),
})

export type JourneyView = z.output<typeof journey>

export const findJourneys = defineRoute({
  method: 'GET',
  path: '/journeys',
  summary: 'The way of messages, by id, Message-ID or an address among sender and recipients; newest first',
  query: z.strictObject({
    query: z.string().min(1),
    limit: z.coerce.number().int().min(1).max(1000).default(10),
  }),
  response: z.object({ journeys: z.array(journey) }),
  async run(context: ControlContext, { query }) {
    const found = await context.service(journeys).find(query.query, query.limit)
    return {
      journeys: found.map(({ subject, events }) => ({
        id: subject.id,
        messageId: subject.messageIdHeader ?? null,
        sender: subject.sender ?? null,
        recipients: [...subject.recipients],
        events: events.map(({ at, step, plugin, text, detail }) => ({
          at,
          step,
          plugin: plugin ?? null,
          text,
          detail: detail === undefined ? null : { ...detail },
        })),
      })),
    }
  },
})
