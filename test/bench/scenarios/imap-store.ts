import { type DataSet, HUNDRED_THOUSAND, TEN_THOUSAND } from '../data-set.ts'
import type { Figure } from '../figure.ts'
import { dovecotMaildir, dovecotMdbox } from '../peers/dovecot.ts'
import type { Case, Scenario } from '../scenario.ts'
import { runSteps } from '../support/imap-steps-case.ts'
import { warmUp } from '../support/warm-up.ts'

const CLEAR = ['STORE 1:* -FLAGS.SILENT (\\Flagged)']
const ONE_BY_ONE = 500
/** So many that a pause of some milliseconds, of either side, is not most of what is timed. */
const PIPELINED = 10_000
/** Client and server compile what they do in it. */
const PIPELINED_FIRST = 2_000

const rate = (peer: string, floor: number, goal: number): Figure => ({
  key: 'rate',
  title: 'changes',
  unit: 'changes/s',
  better: 'more',
  bars: [{ peer, floor, goal }],
})

const cases: readonly Case[] = [
  {
    name: 'one-by-one',
    title: 'STORE n +FLAGS, one after the other',
    figures: [rate('dovecot-maildir', 1, 4)],
    run: (system) =>
      runSteps(
        system,
        [{ key: 'rate', kind: 'each', text: 'STORE {n} +FLAGS (\\Flagged)', from: 1, to: ONE_BY_ONE }],
        ({ median }) => ONE_BY_ONE / (median / 1000),
        CLEAR,
      ),
  },
  {
    name: 'pipelined',
    title: 'STORE n +FLAGS, pipelined',
    figures: [rate('dovecot-mdbox', 1, 2)],
    run: (system) =>
      runSteps(
        system,
        [
          { key: 'first', kind: 'pipeline', text: 'STORE {n} +FLAGS (\\Draft)', from: 1, to: PIPELINED_FIRST },
          { key: 'rate', kind: 'pipeline', text: 'STORE {n} +FLAGS (\\Flagged)', from: 1, to: PIPELINED },
        ],
        ({ median }) => PIPELINED / (median / 1000),
        [...CLEAR, 'STORE 1:* -FLAGS.SILENT (\\Draft)'],
      ),
  },
  {
    name: 'all',
    title: 'STORE 1:* +FLAGS.SILENT',
    figures: [
      { key: 'ms', title: 'time', unit: 'ms', better: 'less', bars: [{ peer: 'dovecot-mdbox', floor: 0.2, goal: 1 }] },
    ],
    run: (system) =>
      runSteps(
        system,
        [{ key: 'ms', kind: 'whole', text: 'STORE 1:* +FLAGS.SILENT (\\Flagged)' }],
        ({ median }) => median,
        CLEAR,
      ),
  },
]

const scenario = (data: DataSet, name: string): Scenario => ({
  name,
  about: `Changing flags in a mailbox of ${data.messages.toLocaleString('en-GB')} messages. Neither side waits for the disk.`,
  peers: [dovecotMaildir, dovecotMdbox],
  need: { accounts: 1 },
  data,
  prepare: warmUp,
  isLong: data.messages > 10_000,
  cases,
})

export const imapStore = scenario(TEN_THOUSAND, 'imap-store')
export const imapStoreLarge = scenario(HUNDRED_THOUSAND, 'imap-store-100k')
