import type { JourneyView } from '../control/routes/journeys.ts'
import { paint } from './paint.ts'
import { moment } from './quantity.ts'
import { clean } from './table.ts'

/** One message with its steps, each under the time it happened. */
export function renderJourney(journey: JourneyView): string {
  const { id, messageId, sender, recipients, events } = journey
  const people = `${clean(sender ?? '<>')} → ${recipients.map(clean).join(', ')}`
  const head = [paint.bold(clean(id)), ...(messageId === null ? [] : [clean(messageId)]), people].join('  ')
  const step = Math.max(0, ...events.map((event) => event.step.length))
  const lines = events.map((event) => {
    const who = event.plugin === null ? '' : paint.cyan(`[${clean(event.plugin)}] `)
    return `  ${paint.dim(moment(event.at))}  ${clean(event.step).padEnd(step)}  ${who}${clean(event.text)}`
  })
  return [head, ...lines].join('\n')
}
