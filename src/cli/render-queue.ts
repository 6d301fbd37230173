import type { QueueEntryView } from '../control/routes/queue.ts'
import { paint } from './paint.ts'
import { bytes, moment, relative } from './quantity.ts'
import { type Column, clean, table } from './table.ts'

const COLUMNS: readonly Column<QueueEntryView>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'STATE', of: ({ state }) => state },
  { title: 'FROM', of: ({ sender }) => sender },
  { title: 'TO', of: ({ recipient }) => recipient },
  { title: 'SIZE', of: ({ size }) => bytes(size), align: 'right' },
  { title: 'TRIES', of: ({ attempts }) => attempts, align: 'right' },
  { title: 'NEXT', of: ({ state, dueAt }) => (state === 'waiting' ? relative(dueAt) : null) },
  {
    title: 'LAST ANSWER',
    of: ({ lastAttempt }) => (lastAttempt === null ? null : `${lastAttempt.status} ${lastAttempt.text}`),
  },
]

export const renderQueue = (entries: readonly QueueEntryView[]): string => table(entries, COLUMNS)

/** Everything of one entry, a line for each fact. */
export function renderEntry(entry: QueueEntryView): string {
  const { lastAttempt } = entry
  const facts: (readonly [string, string | null])[] = [
    ['To', entry.recipient],
    ['From', entry.sender],
    ['Subject', entry.subject],
    ['State', `${entry.state}, tried ${entry.attempts} times`],
    ['Size', bytes(entry.size)],
    ['Arrived', moment(entry.arrivedAt)],
    ['Next attempt', entry.state === 'waiting' ? `${moment(entry.dueAt)} (${relative(entry.dueAt)})` : null],
    ['Given up', `${moment(entry.expiresAt)} (${relative(entry.expiresAt)})`],
    ['Route', entry.route],
    [
      'Last attempt',
      lastAttempt === null ? null : `${moment(lastAttempt.at)} ${lastAttempt.remote ?? 'no server was reached'}`,
    ],
    ['Answer', lastAttempt === null ? null : `${lastAttempt.status} ${lastAttempt.text}`],
    ['TLS', lastAttempt?.tls ?? null],
  ]
  const known = facts.filter((fact): fact is readonly [string, string] => fact[1] !== null)
  const label = Math.max(...known.map(([name]) => name.length))
  const lines = known.map(([name, text]) => `  ${paint.dim(name.padEnd(label))}  ${clean(text)}`)
  return [paint.bold(clean(entry.id)), ...lines].join('\n')
}

export function renderPaused({ all, destinations }: { all: boolean; destinations: readonly string[] }): string {
  if (all) return 'All delivery attempts are paused.'
  if (destinations.length === 0) return 'Nothing is paused.'
  return `Paused: ${destinations.map(clean).join(', ')}.`
}
