import { TEN_THOUSAND } from '../data-set.ts'
import { runLoad } from '../load/run-load.ts'
import type { MessagesResult } from '../load/smtp-messages.ts'
import { OurServer } from '../ours.ts'
import type { Case, Scenario } from '../scenario.ts'
import { quantile } from '../statistics.ts'
import { addressOf } from '../system.ts'

const SESSIONS = 10
const UNTIMED = 100
const WARM_UP = 3_000
const INDEXED = 1
const RECEIVER = 2

async function send(system: OurServer, messages: number): Promise<MessagesResult> {
  const before = await system.stored([RECEIVER])
  const result = await runLoad<MessagesResult>('smtp-messages.ts', {
    port: system.ports.smtp,
    sessions: SESSIONS,
    messages,
    untimed: UNTIMED,
    bytes: 2_000,
    from: 'sender@example.com',
    to: addressOf(RECEIVER),
  })
  const stored = (await system.stored([RECEIVER])) - before
  if (stored !== messages + UNTIMED)
    throw new Error(`${messages + UNTIMED} messages were taken, and ${stored} are stored`)
  return result
}

const beside: Case = {
  name: 'delivery',
  title: `2 KB, ${SESSIONS} sessions, beside indexing of 10,000 messages`,
  figures: [
    { key: 'calm', title: 'without it', unit: 'messages/s', better: 'more' },
    { key: 'rate', title: 'with it', unit: 'messages/s', better: 'more' },
    { key: 'kept', title: 'part that is kept', unit: '%', better: 'more' },
    {
      key: 'calm99',
      title: 'from the end of the message to the 250, without it: 99th percentile',
      unit: 'ms',
      better: 'less',
    },
    { key: 'commit99', title: 'the same with it', unit: 'ms', better: 'less' },
    { key: 'indexed', title: 'messages indexed meanwhile', unit: '', better: 'more' },
  ],
  async run(system, { isQuick }) {
    if (!(system instanceof OurServer)) throw new Error('only ours has an index')
    const messages = isQuick ? 500 : 2_000
    await system.untilIndexed()
    const calm = await send(system, messages)
    // The mail of this turn is indexed too: only that of the other account is to be when the next comes.
    await system.untilIndexed()
    await system.beginRebuild(INDEXED)
    const from = await system.indexed(INDEXED)
    const loaded = await send(system, messages)
    const to = await system.indexed(INDEXED)
    if (to === TEN_THOUSAND.messages) throw new Error('the index was made before all mail had come')
    const [calmRate, rate] = [calm, loaded].map(({ ms }) => (messages / ms) * 1000) as [number, number]
    return {
      calm: calmRate,
      rate,
      kept: (rate / calmRate) * 100,
      calm99: quantile(calm.commits, 0.99),
      commit99: quantile(loaded.commits, 0.99),
      indexed: to - from,
    }
  },
}

export const loadIndexing: Scenario = {
  name: 'load-indexing',
  about: 'What the making of a search index (plugins/fts) takes from delivery.',
  peers: [],
  need: { accounts: 2, isIndexed: true },
  data: TEN_THOUSAND,
  async prepare(system) {
    if (!(system instanceof OurServer)) return
    await system.untilIndexed()
    await send(system, WARM_UP)
  },
  cases: [beside],
}
