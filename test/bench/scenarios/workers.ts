import { smtpSource } from '../load/smtp-source.ts'
import { OurServer } from '../ours.ts'
import type { Scenario } from '../scenario.ts'
import { until } from '../support/until.ts'
import { warmUpSmtp } from '../support/warm-up-smtp.ts'
import { addressOf, type SystemKind } from '../system.ts'

const SESSIONS = 10
const MESSAGES = { full: 4_000, quick: 1_500 }
const SETTLE_MS = 60_000

const oursAuto: SystemKind = {
  name: 'ours-auto',
  start: (need) => OurServer.start({ ...need, workers: 'auto' }, 'ours-auto'),
}

export const workers: Scenario = {
  name: 'workers',
  about:
    "One worker (ours) beside workers: 'auto' (ours-auto): above 1, one is quicker. The load generator needs room too.",
  peers: [oursAuto],
  need: { accounts: 1 },
  isLong: true,
  prepare: (system, effort) => warmUpSmtp(system, effort, addressOf(1)),
  cases: [
    {
      name: 'delivery',
      title: `2 KB, ${SESSIONS} sessions, reused`,
      figures: [{ key: 'rate', title: 'messages stored', unit: 'messages/s', better: 'more' }],
      async run(system, { isQuick }) {
        const messages = isQuick ? MESSAGES.quick : MESSAGES.full
        const before = await system.stored([1])
        const began = performance.now()
        await send(system.ports.smtp ?? 0, messages)
        await until(async () => (await system.stored([1])) === before + messages, SETTLE_MS)
        return { rate: (messages / (performance.now() - began)) * 1000 }
      },
    },
  ],
}

const send = (port: number, messages: number) =>
  smtpSource({ port, messages, sessions: SESSIONS, bytes: 2_000, reuse: true, to: addressOf(1) })
