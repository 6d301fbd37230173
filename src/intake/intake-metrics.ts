import type { Counter, Histogram, Metrics } from '../kernel/metrics.ts'

/** What the way in counts. */
export interface IntakeMetrics {
  readonly messages: Counter<'role' | 'outcome'>
  readonly bytes: Counter<'role'>
  readonly seconds: Histogram<'role'>
}

const SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120]

export function intakeMetrics(metrics: Metrics): IntakeMetrics {
  return {
    messages: metrics.counter('messages_total', 'Messages that were received to their end, by what came of them', [
      'role',
      'outcome',
    ]),
    bytes: metrics.counter('bytes_total', 'Octets of the messages that were accepted', ['role']),
    seconds: metrics.histogram('message_seconds', 'Time from DATA to the answer', SECONDS, ['role']),
  }
}
