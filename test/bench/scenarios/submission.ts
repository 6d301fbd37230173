import { runLoad } from '../load/run-load.ts'
import type { MessagesResult } from '../load/smtp-messages.ts'
import { postfixLmtp } from '../peers/postfix-lmtp.ts'
import type { Case, Scenario } from '../scenario.ts'
import { until } from '../support/until.ts'
import { addressOf, PASSWORD, type System } from '../system.ts'

const WARM_UP = 30
const SESSIONS = 10
const SETTLE_MS = 60_000
const pace = new Map<string, number>()

const submissionCase = (name: string, title: string, isFreshEach: boolean): Case => ({
  name,
  title,
  figures: [{ key: 'rate', title: 'messages stored', unit: 'messages/s', better: 'more' }],
  async run(system, { targetMs }) {
    const key = `${system.name} ${name}`
    const expected = pace.get(key) ?? (await submit(system, WARM_UP, isFreshEach)).rate
    const measured = await submit(system, Math.max(WARM_UP, Math.round((expected * targetMs) / 1000)), isFreshEach)
    pace.set(key, measured.rate)
    return measured
  },
})

async function submit(system: System, messages: number, isFreshEach: boolean) {
  const before = await system.stored([1])
  const { ms, clientShare } = await runLoad<MessagesResult>('smtp-messages.ts', {
    port: system.ports.submission,
    login: { user: addressOf(1), password: PASSWORD },
    isFreshEach,
    sessions: SESSIONS,
    messages,
    bytes: 2_000,
    from: addressOf(1),
    to: addressOf(1),
  })
  const sent = performance.now()
  await until(async () => (await system.stored([1])) >= before + messages, SETTLE_MS)
  return { rate: (messages / (ms + performance.now() - sent)) * 1000, clientShare }
}

export const submission: Scenario = {
  name: 'submission',
  about: 'STARTTLS, AUTH PLAIN, 2 KB to a mailbox of the same server, 10 sessions. The password was verified before.',
  peers: [postfixLmtp],
  need: { accounts: 1 },
  isLong: true,
  cases: [
    submissionCase('reuse', 'many messages a login', false),
    submissionCase('fresh', 'a connection, a handshake and a login for each message', true),
  ],
}
