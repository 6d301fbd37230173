import type { StatsView } from '../control/routes/store/stats.ts'
import { paint } from './paint.ts'
import { bytes } from './quantity.ts'
import { table } from './table.ts'

/** @param limit accounts that are shown */
export function renderStats(
  { totals, sharing, waiting, queue, journeys, accounts, driver }: StatsView,
  limit: number,
): string {
  const facts = [`Mail      ${totals.messages} messages of ${bytes(totals.bytes)} in ${totals.mailboxes} mailboxes`]
  if (sharing !== null) {
    facts.push(
      `Stored    ${sharing.blobs} of them once; ${sharing.shared} share another's bytes, which saves ${bytes(sharing.sharedBytes)}`,
    )
  }
  if (waiting !== null) facts.push(`Files     ${waitingText(waiting)}`)
  if (queue !== null) facts.push(`Queue     ${queue.messages} messages`)
  if (journeys !== null) facts.push(`Journeys  ${journeys}`)
  const shown = accounts.slice(0, limit)
  const list = table(shown, [
    { title: 'ACCOUNT', of: ({ account }) => account },
    { title: 'SPACE', of: (one) => bytes(one.bytes), align: 'right' },
    { title: 'QUOTA', of: ({ maxBytes }) => (maxBytes === null ? 'none' : bytes(maxBytes)), align: 'right' },
    { title: 'MESSAGES', of: ({ messages }) => messages, align: 'right' },
    { title: 'UNSEEN', of: ({ unseen }) => unseen, align: 'right' },
    { title: 'MAILBOXES', of: ({ mailboxes }) => mailboxes, align: 'right' },
  ])
  const more = accounts.length > shown.length ? [`… and ${accounts.length - shown.length} more (--limit)`] : []
  const figures =
    driver.length === 0
      ? []
      : ['', paint.bold('Storage'), ...driver.map(({ help, value, unit }) => `${help}: ${figure(value, unit)}`)]
  return [...facts, '', list, ...more, ...figures].join('\n')
}

function waitingText({ operations, bytes: octets, accounts, oldestAt }: NonNullable<StatsView['waiting']>): string {
  if (oldestAt === null) return 'all is written'
  const since = new Date(oldestAt).toISOString()
  return `${operations} changes with ${bytes(octets)} of ${accounts} accounts wait to be written, since ${since}`
}

function figure(value: number, unit: string): string {
  if (unit === 'octets') return bytes(value)
  return unit === 'percent' ? `${value}%` : unit === 'seconds' ? `${value} s` : String(value)
}
