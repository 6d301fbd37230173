import { fill } from '../data-set.ts'
import type { IdleResult } from '../load/idle-sessions.ts'
import { startLoad } from '../load/run-load.ts'
import { dovecotMaildir } from '../peers/dovecot.ts'
import type { Case, Scenario } from '../scenario.ts'
import { memoryBytes } from '../support/process-tree.ts'
import { addressOf, PASSWORD } from '../system.ts'

const PATIENCE_MS = 10_000
/** Memory that was freed on the way is given back. */
const SETTLE_MS = 500

const idleCase = (sessions: number, more: Partial<Case>): Case => ({
  name: String(sessions),
  title: `${sessions.toLocaleString('en-GB')} sessions in IDLE, TLS`,
  figures: [
    {
      key: 'kb',
      title: 'memory of a session',
      unit: 'KB',
      better: 'less',
      bars: [{ floor: 4, goal: 8 }],
    },
    { key: 'ms', title: 'until the last hears of a message', unit: 'ms', better: 'less' },
    { key: 'notified', title: `sessions that heard within ${PATIENCE_MS / 1000} s`, unit: '', better: 'more' },
    { key: 'opened', title: 'opened', unit: 'sessions/s', better: 'more' },
  ],
  maxRuns: 1,
  ...more,
  async run(system) {
    await system.restart()
    const before = memoryBytes(system.pids())
    const load = startLoad<IdleResult>('idle-sessions.ts', {
      port: system.ports.imaps,
      tls: true,
      user: addressOf(1),
      password: PASSWORD,
      sessions,
      patienceMs: PATIENCE_MS,
    })
    await load.ready
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    const kb = (memoryBytes(system.pids()) - before) / sessions / 1000
    load.go()
    const { lastMs, notified, openMs } = await load.result
    return { kb, ms: lastMs, notified, opened: (sessions / openMs) * 1000 }
  },
})

export const idle: Scenario = {
  name: 'idle',
  about:
    'Sessions of one account that wait in IDLE on one INBOX. Memory is what all processes of the server grew by (PSS).',
  peers: [dovecotMaildir],
  need: { accounts: 1 },
  prepare: (system) => fill(system, { messages: 10, bytes: 2_000 }),
  isLong: true,
  cases: [idleCase(1_000, {}), idleCase(10_000, { peers: [] })],
}
