import { type DataSet, HUNDRED_THOUSAND, TEN_THOUSAND } from '../data-set.ts'
import { RARE_EVERY, RARE_WORD } from '../load/message-text.ts'
import { OurServer } from '../ours.ts'
import { dovecotMaildir, dovecotMdbox } from '../peers/dovecot.ts'
import type { Case, Scenario } from '../scenario.ts'
import { runSteps } from '../support/imap-steps-case.ts'
import { cpuMs } from '../support/process-tree.ts'
import { warmUp } from '../support/warm-up.ts'

interface Search {
  readonly name: string
  readonly title: string
  readonly text: string
  readonly hits: number
  readonly floor: number
  readonly goal: number
  readonly times: number
}

const searchCase = ({ name, title, text, hits, floor, goal, times }: Search): Case => ({
  name,
  title,
  figures: [{ key: 'ms', title: 'time', unit: 'ms', better: 'less', bars: [{ floor, goal }] }],
  ...(times === 1 && { maxRuns: 1, isLong: true }),
  run: (system) => {
    // The turn that checks the hits would double what takes seconds.
    const expect = times === 1 ? {} : { expect: { what: 'search' as const, atLeast: hits } }
    return runSteps(system, [{ key: 'ms', kind: 'whole', text, times, ...expect }], ({ median }) => median)
  },
})

/** Of a search that an index answers. */
const barsOfText = ({ messages }: DataSet) => (messages > 10_000 ? { floor: 20, goal: 100 } : { floor: 1, goal: 20 })

const scenario = (data: DataSet, name: string): Scenario => ({
  name,
  about: `UID SEARCH in a mailbox of ${data.messages.toLocaleString('en-GB')} messages. Dovecot has no full-text index, as it is shipped.`,
  peers: [dovecotMaildir, dovecotMdbox],
  quickPeers: ['dovecot-mdbox'],
  need: { accounts: 1 },
  data,
  prepare: warmUp,
  isLong: data.messages > 10_000,
  cases: [
    searchCase({
      name: 'all',
      title: 'UID SEARCH ALL',
      text: 'UID SEARCH ALL',
      hits: data.messages,
      floor: 1,
      goal: 2,
      times: 5,
    }),
    searchCase({
      name: 'flags-date',
      title: 'UID SEARCH UNSEEN SINCE',
      text: 'UID SEARCH UNSEEN SINCE 2-Jan-2025',
      hits: data.messages / 5,
      floor: 1,
      goal: 2,
      times: 5,
    }),
    searchCase({
      name: 'header',
      title: 'UID SEARCH SUBJECT, one hit in a hundred',
      text: `UID SEARCH SUBJECT ${RARE_WORD}`,
      hits: data.messages / RARE_EVERY,
      floor: 0.5,
      goal: 1,
      times: 3,
    }),
    searchCase({
      name: 'text',
      title: 'UID SEARCH TEXT, no hit',
      text: 'UID SEARCH TEXT xylophonist',
      hits: 0,
      floor: 1,
      goal: 20,
      times: 1,
    }),
  ],
})

/** How often ours is asked, which answers in milliseconds. */
const INDEXED_TIMES = 9

/** A search that the index answers, or that it leaves few messages of. */
const indexedCase = (name: string, title: string, text: string, hits: number, data: DataSet): Case => ({
  ...searchCase({ name, title, text, hits, ...barsOfText(data), times: 1 }),
  run: async (system) => {
    const expect = { what: 'search', atLeast: hits } as const
    const isOurs = system instanceof OurServer
    // The turn that checks the hits would double what takes seconds.
    const step = {
      key: 'ms',
      kind: 'whole',
      text,
      times: isOurs ? INDEXED_TIMES : 1,
      ...(isOurs && { expect }),
    } as const
    return runSteps(system, [step], ({ median }) => median)
  },
})

const indexing = ({ messages, bytes }: DataSet): Case => ({
  name: 'index',
  title: 'making the index',
  peers: [],
  maxRuns: 1,
  figures: [
    { key: 'rate', title: 'mail indexed', unit: 'MB/s', better: 'more' },
    { key: 'cpu', title: 'processor time a message', unit: 'ms', better: 'less' },
    { key: 'size', title: 'index, of the mail', unit: '%', better: 'less', limit: { floor: 50, goal: 20 } },
  ],
  async run(system) {
    if (!(system instanceof OurServer)) throw new Error('only ours has an index')
    const mail = messages * bytes
    const [began, cpuBefore] = [performance.now(), cpuMs(system.pids())]
    const octets = await system.rebuildIndex()
    return {
      rate: mail / 1e3 / (performance.now() - began),
      cpu: (cpuMs(system.pids()) - cpuBefore) / messages,
      size: (octets / mail) * 100,
    }
  },
})

const indexedScenario = (data: DataSet, name: string): Scenario => ({
  name,
  about: `SEARCH of text in a mailbox of ${data.messages.toLocaleString('en-GB')} messages, ours with an index (plugins/fts). Dovecot has none, as it is shipped.`,
  peers: [dovecotMaildir, dovecotMdbox],
  quickPeers: ['dovecot-mdbox'],
  need: { accounts: 1, isIndexed: true },
  data,
  isLong: data.messages > 10_000,
  async prepare(system) {
    if (system instanceof OurServer) await system.untilIndexed()
  },
  cases: [
    indexing(data),
    indexedCase('text-none', 'UID SEARCH TEXT, no hit', 'UID SEARCH TEXT xylophonist', 0, data),
    indexedCase(
      'text-part',
      'UID SEARCH TEXT of a part of a word, one hit in a hundred',
      `UID SEARCH TEXT ${RARE_WORD.slice(1, -1)}`,
      data.messages / RARE_EVERY,
      data,
    ),
    indexedCase(
      'text-phrase',
      'UID SEARCH TEXT of a phrase, one hit in a hundred',
      `UID SEARCH TEXT " ${RARE_WORD} "`,
      data.messages / RARE_EVERY,
      data,
    ),
    indexedCase('body-all', 'UID SEARCH BODY, every message', 'UID SEARCH BODY transport', data.messages, data),
    indexedCase('body-none', 'UID SEARCH BODY, no hit', `UID SEARCH BODY ${RARE_WORD}`, 0, data),
  ],
})

export const imapSearchIndexed = indexedScenario(TEN_THOUSAND, 'imap-search-indexed')
export const imapSearchIndexedLarge = indexedScenario(HUNDRED_THOUSAND, 'imap-search-indexed-100k')
export const imapSearch = scenario(TEN_THOUSAND, 'imap-search')
export const imapSearchLarge = scenario(HUNDRED_THOUSAND, 'imap-search-100k')
