import { TEN_THOUSAND } from '../data-set.ts'
import { OurServer } from '../ours.ts'
import type { Case, Scenario } from '../scenario.ts'
import { quantile } from '../statistics.ts'
import { SESSIONS, sendTimed } from '../support/timed-messages.ts'

const WARM_UP = 3_000
const INDEXED = 1
const RECEIVER = 2

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
    const calm = await sendTimed(system, messages, RECEIVER)
    // The mail of this turn is indexed too: only that of the other account is to be when the next comes.
    await system.untilIndexed()
    await system.beginRebuild(INDEXED)
    const from = await system.indexed(INDEXED)
    const loaded = await sendTimed(system, messages, RECEIVER)
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
  isLong: true,
  async prepare(system) {
    if (!(system instanceof OurServer)) return
    await system.untilIndexed()
    await sendTimed(system, WARM_UP, RECEIVER)
  },
  cases: [beside],
}
