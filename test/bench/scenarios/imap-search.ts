import { type DataSet, HUNDRED_THOUSAND, TEN_THOUSAND } from '../data-set.ts'
import { RARE_EVERY, RARE_WORD } from '../load/message-text.ts'
import { dovecotMaildir, dovecotMdbox } from '../peers/dovecot.ts'
import type { Case, Scenario } from '../scenario.ts'
import { runSteps } from '../support/imap-steps-case.ts'

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

const scenario = (data: DataSet, name: string): Scenario => ({
  name,
  about: `UID SEARCH in a mailbox of ${data.messages.toLocaleString('en-GB')} messages. Dovecot has no full-text index, as it is shipped.`,
  peers: [dovecotMaildir, dovecotMdbox],
  need: { accounts: 1 },
  data,
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
      floor: data.messages > 10_000 ? 20 : 1,
      goal: data.messages > 10_000 ? 100 : 20,
      times: 1,
    }),
  ],
})

export const imapSearch = scenario(TEN_THOUSAND, 'imap-search')
export const imapSearchLarge = scenario(HUNDRED_THOUSAND, 'imap-search-100k')
