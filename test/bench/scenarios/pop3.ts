import { type DataSet, TEN_THOUSAND } from '../data-set.ts'
import type { RetrieveResult } from '../load/pop3-retrieve.ts'
import { runLoad } from '../load/run-load.ts'
import { dovecotMaildir, dovecotMdbox } from '../peers/dovecot.ts'
import type { Scenario } from '../scenario.ts'
import { addressOf, PASSWORD } from '../system.ts'

const MESSAGES = 1_000
const data: DataSet = TEN_THOUSAND

export const pop3: Scenario = {
  name: 'pop3',
  about: `RETR of ${MESSAGES} messages of ${data.bytes / 1000} KB, one after the other, over TLS.`,
  peers: [dovecotMaildir, dovecotMdbox],
  need: { accounts: 1 },
  data,
  cases: [
    {
      name: 'retrieve',
      title: `RETR 1 to ${MESSAGES}`,
      figures: [
        { key: 'rate', title: 'messages', unit: 'messages/s', better: 'more', bars: [{ floor: 0.9, goal: 1.2 }] },
      ],
      async run({ ports }) {
        const { ms, octets, clientShare } = await runLoad<RetrieveResult>('pop3-retrieve.ts', {
          port: ports.pop3s,
          tls: true,
          user: addressOf(1),
          password: PASSWORD,
          messages: MESSAGES,
        })
        if (octets < MESSAGES * data.bytes * 0.9) throw new Error(`only ${octets} octets were retrieved`)
        return { rate: (MESSAGES / ms) * 1000, clientShare }
      },
    },
  ],
}
