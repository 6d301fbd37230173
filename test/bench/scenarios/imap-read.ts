import { type DataSet, HUNDRED_THOUSAND, TEN_THOUSAND } from '../data-set.ts'
import type { Figure } from '../figure.ts'
import { dovecotMaildir, dovecotMdbox } from '../peers/dovecot.ts'
import type { Case, Scenario } from '../scenario.ts'
import { type Figures, runSteps } from '../support/imap-steps-case.ts'
import { warmUp } from '../support/warm-up.ts'

const ms = (floor: number, goal: number): Figure => ({
  key: 'ms',
  title: 'time',
  unit: 'ms',
  better: 'less',
  bars: [{ floor, goal }],
})

/** What mail clients list a mailbox by, who read header fields themselves. */
const HEADER_FIELDS =
  'UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC SUBJECT MESSAGE-ID REFERENCES CONTENT-TYPE)])'

const ENVELOPE = 'UID FETCH 1:* (ENVELOPE BODYSTRUCTURE)'

function cases({ messages }: DataSet): Case[] {
  const isLarge = messages > 10_000
  const times = isLarge ? 3 : 10
  const expect = { what: 'fetch', atLeast: messages } as const
  const bodies = `UID FETCH 1:10000 (BODY.PEEK[])`
  const oneByOne = isLarge ? 2_000 : 3_000
  const cold: Case = {
    name: 'envelope-cold',
    title: 'FETCH 1:* (ENVELOPE BODYSTRUCTURE) by the first reader since the mail came, after a restart',
    figures: [ms(5, 20)],
    maxRuns: 1,
    async run(system) {
      await system.restart({ forgetCaches: true })
      return runSteps(system, [{ key: 'ms', kind: 'whole', text: ENVELOPE }], time)
    },
  }
  return [
    {
      name: 'select',
      title: 'SELECT',
      figures: [ms(1, 2)],
      // So short that the first hundreds of times the client is timed, while its own code is compiled.
      run: (system) => runSteps(system, [{ key: 'ms', kind: 'whole', text: 'SELECT INBOX', times: 1_000 }], time),
    },
    {
      name: 'flags',
      title: 'FETCH 1:* (UID FLAGS)',
      figures: [ms(1, 2)],
      run: (system) =>
        runSteps(system, [{ key: 'ms', kind: 'whole', text: 'UID FETCH 1:* (FLAGS)', times, expect }], time),
    },
    {
      name: 'envelope',
      title: 'FETCH 1:* (ENVELOPE BODYSTRUCTURE), warm',
      figures: [ms(1, 2)],
      run: (system) => runSteps(system, [{ key: 'ms', kind: 'whole', text: ENVELOPE, times, expect }], time),
    },
    {
      name: 'header-fields',
      title: 'FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM …)])',
      figures: [ms(1, 2)],
      run: (system) => runSteps(system, [{ key: 'ms', kind: 'whole', text: HEADER_FIELDS, times, expect }], time),
    },
    {
      name: 'bodies',
      title: 'FETCH 1:10000 (BODY.PEEK[])',
      figures: [{ key: 'rate', title: 'bodies', unit: 'MB/s', better: 'more', bars: [{ floor: 1, goal: 1.5 }] }],
      run: (system) =>
        runSteps(
          system,
          [{ key: 'rate', kind: 'whole', text: bodies, times: 2, expect: { what: 'fetch', atLeast: 10_000 } }],
          ({ octets, median }) => octets / 1e6 / (median / 1000),
        ),
    },
    {
      name: 'bodies-one-by-one',
      title: 'FETCH n (BODY.PEEK[]), one after the other',
      figures: [{ key: 'rate', title: 'bodies', unit: 'messages/s', better: 'more', bars: [{ floor: 1 }] }],
      run: (system) =>
        runSteps(
          system,
          [{ key: 'rate', kind: 'each', text: 'FETCH {n} (BODY.PEEK[])', from: 1, to: oneByOne }],
          ({ median }) => oneByOne / (median / 1000),
        ),
    },
    // The last, for it restarts the server.
    cold,
  ]
}

const time = ({ median }: Figures) => median

const scenario = (data: DataSet, name: string): Scenario => ({
  name,
  about: `Reading a mailbox of ${data.messages.toLocaleString('en-GB')} messages of ${data.bytes / 1000} KB over TLS.`,
  peers: [dovecotMaildir, dovecotMdbox],
  quickPeers: ['dovecot-mdbox'],
  need: { accounts: 1 },
  data,
  prepare: warmUp,
  isLong: data.messages > 10_000,
  cases: cases(data),
})

export const imapRead = scenario(TEN_THOUSAND, 'imap-read')
export const imapReadLarge = scenario(HUNDRED_THOUSAND, 'imap-read-100k')
