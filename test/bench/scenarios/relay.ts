import { freePorts } from '../../support/peer.ts'
import type { Figure } from '../figure.ts'
import { SmtpSink } from '../load/smtp-sink.ts'
import { smtpSource } from '../load/smtp-source.ts'
import { postfixMaildir } from '../peers/postfix.ts'
import type { Case, Measured, Scenario } from '../scenario.ts'
import { cpuMs } from '../support/process-tree.ts'
import { until } from '../support/until.ts'
import { DOMAIN, ELSEWHERE, type System } from '../system.ts'

const SETTLE_MS = 180_000
const WARM_UP = 100
const BACKLOG = { full: 5_000, quick: 1_000 }
const SESSIONS = 10
const BYTES = 2_000
/** What is tried while the host still counts as away is put off again: it is told more than once. */
const FLUSH_EVERY_MS = 1_000

/** Ours hands on for nobody without a login: an alias of its own leads away. */
const recipientOf = (system: System): string => (system.name === 'ours' ? `relay@${DOMAIN}` : `away@${ELSEWHERE}`)

/** The sink of the scenario that runs: systems are told its port when they start. */
let sink: SmtpSink | undefined

function sinkOf(): SmtpSink {
  if (sink === undefined) throw new Error('there is no sink')
  return sink
}

const bars: Figure['bars'] = [{ peer: 'postfix-maildir', floor: 1.25, goal: 3 }]

async function relay(system: System, messages: number): Promise<Measured> {
  const target = sinkOf()
  const before = target.messages
  const cpuBefore = cpuMs(system.pids())
  const began = performance.now()
  await submit(system, messages)
  await until(() => target.messages >= before + messages, SETTLE_MS)
  const seconds = (performance.now() - began) / 1000
  return { rate: messages / seconds, cpu: (cpuMs(system.pids()) - cpuBefore) / messages }
}

async function submit(system: System, messages: number): Promise<void> {
  const { smtp = 0 } = system.ports
  await smtpSource({ port: smtp, messages, sessions: SESSIONS, bytes: BYTES, reuse: true, to: recipientOf(system) })
}

const pace = new Map<string, number>()

const through: Case = {
  name: 'through',
  title: '2 KB, 10 sessions, reused: in, queued, out to smtp-sink',
  figures: [
    { key: 'rate', title: 'messages delivered', unit: 'messages/s', better: 'more', bars },
    { key: 'cpu', title: 'CPU a message', unit: 'ms', better: 'less' },
  ],
  async run(system, { targetMs }) {
    const expected = pace.get(system.name) ?? (await relay(system, WARM_UP)).rate ?? 0
    const measured = await relay(system, Math.max(WARM_UP, Math.round((expected * targetMs) / 1000)))
    pace.set(system.name, measured.rate ?? expected)
    return measured
  },
}

const backlog: Case = {
  name: 'backlog',
  title: 'the sink was away while messages came; it is back, and the queue is told to retry each second',
  figures: [
    { key: 'rate', title: 'messages drained', unit: 'messages/s', better: 'more', bars },
    { key: 'seconds', title: 'until the queue was empty', unit: 's', better: 'less' },
  ],
  maxRuns: 1,
  async run(system, { isQuick }) {
    const messages = isQuick ? BACKLOG.quick : BACKLOG.full
    const target = sinkOf()
    await target.stop()
    const before = target.messages
    await submit(system, messages)
    if (target.messages !== before) throw new Error('something was delivered while the sink was away')
    await target.start()
    const began = performance.now()
    let flushedAt = Number.NEGATIVE_INFINITY
    await until(async () => {
      if (performance.now() - flushedAt > FLUSH_EVERY_MS) {
        flushedAt = performance.now()
        await system.flush?.()
      }
      return target.messages >= before + messages
    }, SETTLE_MS)
    const seconds = (performance.now() - began) / 1000
    return { rate: messages / seconds, seconds }
  },
}

export const relaying: Scenario = {
  name: 'relay',
  about: 'Mail for another domain, through the durable queue to smtp-sink, which counts what arrives.',
  peers: [postfixMaildir],
  need: { accounts: 1 },
  async prepare(system, { isQuick }) {
    // As many for all: how far a next hop is trusted grows with what it has taken.
    await relay(system, isQuick ? 1_500 : 6_000)
  },
  cases: [through, { ...backlog, isLong: true }],
  async around() {
    const { port } = await freePorts('port')
    const started = new SmtpSink(port)
    await started.start()
    sink = started
    return {
      need: { relayPort: port },
      [Symbol.asyncDispose]: async () => {
        sink = undefined
        await started.stop()
      },
    }
  },
}
