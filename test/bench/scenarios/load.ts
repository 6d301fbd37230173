import type { StormJob, StormResult } from '../load/login-storm.ts'
import { startLoad } from '../load/run-load.ts'
import { postfixMaildir } from '../peers/postfix.ts'
import { postfixLmtp } from '../peers/postfix-lmtp.ts'
import type { Case, Scenario } from '../scenario.ts'
import { quantile } from '../statistics.ts'
import { quantileBetween } from '../support/histogram.ts'
import { memoryBytes } from '../support/process-tree.ts'
import { sendTimed } from '../support/timed-messages.ts'
import { warmUpSmtp } from '../support/warm-up-smtp.ts'
import { addressOf, PASSWORD } from '../system.ts'

const WARM_UP = 1_000
const STORMERS = 8
/** Password checks are under way by then. */
const STORM_MS = 500

const count = ({ isQuick }: { readonly isQuick: boolean }) => (isQuick ? 500 : 2_000)
/** One in a hundred must be enough of them that a single pause of the machine does not decide. */
const timed = ({ isQuick }: { readonly isQuick: boolean }) => (isQuick ? 500 : 6_000)

const latency: Case = {
  name: 'latency',
  title: '2 KB, 10 sessions, reused',
  figures: [
    {
      key: 'store99',
      title: 'a commit of the store: 99th percentile',
      unit: 'ms',
      better: 'less',
      limit: { floor: 5, goal: 2 },
    },
    { key: 'commit50', title: 'from the end of the message to the 250: median', unit: 'ms', better: 'less' },
    {
      key: 'commit99',
      title: 'from the end of the message to the 250: 99th percentile',
      unit: 'ms',
      better: 'less',
      limit: { floor: 5, goal: 2 },
    },
    { key: 'p50', title: 'from MAIL to the 250: median', unit: 'ms', better: 'less' },
    { key: 'p99', title: 'from MAIL to the 250: 99th percentile', unit: 'ms', better: 'less' },
    { key: 'mb', title: 'memory at the end (PSS)', unit: 'MB', better: 'less' },
  ],
  async run(system, effort) {
    // Since its last turn the other system has had the processors' caches.
    await sendTimed(system, WARM_UP)
    const before = await system.commitTimes?.()
    const { latencies, commits, clientShare } = await sendTimed(system, timed(effort))
    const after = await system.commitTimes?.()
    const mb = memoryBytes(system.pids()) / 1e6
    return {
      ...(before && after && { store99: quantileBetween(before, after, 0.99) * 1_000 }),
      commit50: quantile(commits, 0.5),
      commit99: quantile(commits, 0.99),
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      mb,
      clientShare,
    }
  },
}

const storm: Case = {
  name: 'login-storm',
  title: `the same beside ${STORMERS} that log in over and over, half of them wrong`,
  figures: [
    { key: 'calm', title: 'without them', unit: 'messages/s', better: 'more' },
    { key: 'rate', title: 'with them', unit: 'messages/s', better: 'more' },
    { key: 'kept', title: 'part that is kept', unit: '%', better: 'more' },
    { key: 'logins', title: 'logins meanwhile', unit: '', better: 'more' },
  ],
  peers: [],
  isLong: true,
  async run(system, effort) {
    const messages = count(effort)
    const calm = (messages / (await sendTimed(system, messages)).ms) * 1000
    const job: StormJob = {
      port: system.ports.imaps ?? 0,
      tls: true,
      user: addressOf(2),
      password: PASSWORD,
      parallel: STORMERS,
    }
    const load = startLoad<StormResult>('login-storm.ts', job)
    await load.ready
    await new Promise((resolve) => setTimeout(resolve, STORM_MS))
    const rate = (messages / (await sendTimed(system, messages)).ms) * 1000
    load.go()
    const { right, wrong } = await load.result
    return { calm, rate, kept: (rate / calm) * 100, logins: right + wrong }
  },
}

export const load: Scenario = {
  name: 'load',
  about: 'How long a sender waits for each 250, what a server grows to, and what password checks take from delivery.',
  peers: [postfixMaildir, postfixLmtp],
  quickPeers: ['postfix-maildir'],
  need: { accounts: 2 },
  async prepare(system, effort) {
    await warmUpSmtp(system, effort, addressOf(2))
    await sendTimed(system, WARM_UP)
  },
  cases: [latency, storm],
}
