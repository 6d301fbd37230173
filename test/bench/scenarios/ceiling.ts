import { join } from 'node:path'
import { freePorts } from '../../support/peer.ts'
import { TEN_THOUSAND } from '../data-set.ts'
import { startLoad } from '../load/run-load.ts'
import { SmtpSink } from '../load/smtp-sink.ts'
import { smtpSource } from '../load/smtp-source.ts'
import type { Case, Scenario } from '../scenario.ts'
import { certificate } from '../support/certificate.ts'
import { runSteps } from '../support/imap-steps-case.ts'
import { until } from '../support/until.ts'
import { workspace } from '../support/workspace.ts'
import type { System } from '../system.ts'

const BULK = 'UID FETCH 1:10000 (BODY.PEEK[])'
const SINGLE = 'FETCH 1 (BODY.PEEK[])'
const TURNS = 3_000
const MESSAGES = 10_000

const client: Case = {
  name: 'imap-client',
  title: 'our IMAP client against a server that replays what ours sent',
  figures: [
    { key: 'bulk', title: 'FETCH 1:10000 (BODY.PEEK[])', unit: 'MB/s', better: 'more' },
    { key: 'single', title: 'FETCH n (BODY.PEEK[]), one after the other', unit: 'messages/s', better: 'more' },
  ],
  async run(system) {
    const space = workspace('replay')
    try {
      const bulk = join(space.path, 'bulk')
      const single = join(space.path, 'single')
      const record = (key: string, text: string, file: string) => ({ key, text, kind: 'whole', record: file }) as const
      await runSteps(system, [record('bulk', BULK, bulk), record('single', SINGLE, single)], () => 0)
      const { port } = await freePorts('port')
      const replayer = startLoad('replay.ts', {
        port,
        ...(await certificate(space.path)),
        responses: { UID: bulk, FETCH: single },
      })
      await replayer.ready
      const target: Pick<System, 'ports'> = { ports: { imaps: port } }
      const measured = await runSteps(
        target,
        [
          { key: 'bulk', kind: 'whole', text: BULK, times: 3 },
          { key: 'single', kind: 'each', text: 'FETCH {n} (BODY.PEEK[])', from: 1, to: TURNS },
        ],
        ({ median, octets }, { key }) => (key === 'bulk' ? octets / 1e6 : TURNS) / (median / 1000),
      )
      replayer.go()
      await replayer.result
      return measured
    } finally {
      space.remove()
    }
  },
}

const source: Case = {
  name: 'smtp-source',
  title: 'smtp-source against smtp-sink, 2 KB, 10 sessions, reused',
  figures: [{ key: 'rate', title: 'messages', unit: 'messages/s', better: 'more' }],
  async run() {
    const { port } = await freePorts('port')
    await using sink = new SmtpSink(port)
    await sink.start()
    const began = performance.now()
    await smtpSource({ port, messages: MESSAGES, sessions: 10, bytes: 2_000, reuse: true, to: 'a@b.test' })
    await until(() => sink.messages >= MESSAGES, 10_000)
    return { rate: MESSAGES / ((performance.now() - began) / 1000) }
  },
}

export const ceiling: Scenario = {
  name: 'ceiling',
  about: 'What the load generators reach where no mail server stands in their way: no figure can be higher.',
  peers: [],
  need: { accounts: 1 },
  data: TEN_THOUSAND,
  isLong: true,
  cases: [client, source],
}
