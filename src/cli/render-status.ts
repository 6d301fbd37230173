import type { ServerStatus } from '../control/server-status.ts'
import { paint } from './paint.ts'
import { bytes, moment, span } from './quantity.ts'
import { clean, table } from './table.ts'
import { tlsText } from './tls-text.ts'

export function renderStatus(status: ServerStatus): string {
  const { queue, sessions, certificate } = status
  const counts = Object.entries(sessions).map(([protocol, count]) => `${protocol} ${count}`)
  const facts: readonly (readonly [string, string])[] = [
    ['Host', `${status.hostname}, mailserver ${status.version}`],
    ['Process', `${status.pid}, up ${span(status.uptimeMs)} since ${moment(status.startedAt)}`],
    ['Config', `${status.configFile}, generation ${status.generation}`],
    ['Data', status.dataDir],
    ['Certificate', certificate === null ? 'none' : certificateText(certificate)],
    ['Sessions', counts.join(', ') || 'none'],
    ['Queue', queue === null ? 'not known' : queueText(queue)],
  ]
  const label = Math.max(...facts.map(([name]) => name.length))
  const sections = [
    facts.map(([name, text]) => `${paint.dim(name.padEnd(label))}  ${clean(text)}`).join('\n'),
    table(status.listeners, [
      { title: 'PROTOCOL', of: ({ protocol }) => protocol },
      { title: 'ADDRESS', of: ({ address }) => address },
      { title: 'TLS', of: tlsText },
      { title: 'CONNECTIONS', of: ({ connections }) => connections, align: 'right' },
    ]),
    table(status.workers, [
      { title: 'WORKER', of: ({ number }) => number, align: 'right' },
      { title: 'GENERATION', of: ({ generation }) => generation, align: 'right' },
      { title: 'STATE', of: ({ state }) => state },
      { title: 'SESSIONS', of: ({ sessions: count }) => count, align: 'right' },
      { title: 'HEAP', of: ({ heapBytes }) => bytes(heapBytes), align: 'right' },
      { title: 'CRASHES', of: ({ crashes }) => crashes, align: 'right' },
    ]),
  ]
  const headline = status.state === 'running' ? paint.green('running') : paint.yellow(status.state)
  const problems = status.problems.map((problem) => `${paint.red('Problem:')} ${clean(problem)}`)
  return [paint.bold(headline), ...problems, ...sections].join('\n\n')
}

function certificateText({ fingerprint, isSelfSigned }: NonNullable<ServerStatus['certificate']>): string {
  return `${isSelfSigned ? 'self-signed, ' : ''}${fingerprint}`
}

function queueText({ waiting, held, delivering, paused }: NonNullable<ServerStatus['queue']>): string {
  const counts = `${waiting} waiting, ${delivering} delivering, ${held} held`
  return paused ? `${counts}; paused` : counts
}
