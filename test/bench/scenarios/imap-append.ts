import type { AppendResult } from '../load/imap-append.ts'
import { runLoad } from '../load/run-load.ts'
import { dovecotMaildir, dovecotMdbox } from '../peers/dovecot.ts'
import type { Case, Scenario } from '../scenario.ts'
import { addressOf, PASSWORD, type System } from '../system.ts'

/** To learn how many fit into a run. */
const FIRST = 50
/** For the runtime of ours, before anything is timed. */
const WARM_UP = { full: 3_000, quick: 1_000 }

/** Appends a second of the last run, by system and case. */
const pace = new Map<string, number>()

function appendCase(kb: number, connections: number, isLong: boolean): Case {
  const hasBar = kb === 2 && connections === 10
  const name = `${kb}k-${connections}`
  return {
    name,
    title: `APPEND of ${kb} KB, ${connections} connection${connections === 1 ? '' : 's'}`,
    figures: [
      {
        key: 'rate',
        title: 'messages',
        unit: 'messages/s',
        better: 'more',
        ...(hasBar && { bars: [{ peer: 'dovecot-mdbox', floor: 1, goal: 3 }] }),
      },
    ],
    isLong,
    async run(system, { targetMs }) {
      const key = `${system.name} ${name}`
      const expected = pace.get(key) ?? (await append(system, FIRST, kb, connections)).rate
      const messages = Math.max(FIRST, Math.round((expected * targetMs) / 1000))
      const measured = await append(system, messages, kb, connections)
      pace.set(key, measured.rate)
      return measured
    },
  }
}

async function append(system: System, messages: number, kb: number, connections: number) {
  const before = await system.stored([1])
  const { ms, clientShare } = await runLoad<AppendResult>('imap-append.ts', {
    port: system.ports.imaps,
    tls: true,
    user: addressOf(1),
    password: PASSWORD,
    mailbox: 'INBOX',
    first: 1,
    messages,
    bytes: kb * 1000,
    connections,
    batch: 1,
  })
  const stored = (await system.stored([1])) - before
  if (stored !== messages) throw new Error(`${messages} messages were appended, and ${stored} are stored`)
  return { rate: (messages / ms) * 1000, clientShare }
}

export const imapAppend: Scenario = {
  name: 'imap-append',
  about: 'APPEND into one mailbox, a message a command, each on disk before its OK.',
  peers: [dovecotMaildir, dovecotMdbox],
  quickPeers: ['dovecot-mdbox'],
  need: { accounts: 1 },
  async prepare(system, { isQuick }) {
    if (system.name === 'ours') await append(system, WARM_UP[isQuick ? 'quick' : 'full'], 2, 10)
  },
  cases: [appendCase(2, 10, false), appendCase(2, 1, true), appendCase(50, 10, true), appendCase(50, 1, true)],
}
