import { fill } from '../data-set.ts'
import type { Figure } from '../figure.ts'
import type { LoginsResult } from '../load/logins.ts'
import { runLoad } from '../load/run-load.ts'
import { dovecotMaildir, dovecotShipped } from '../peers/dovecot.ts'
import type { Case, Scenario } from '../scenario.ts'
import { addressOf, PASSWORD } from '../system.ts'

const MESSAGES = 100

function loginCase(protocol: 'imap' | 'pop3', title: string, parallel: number, bars: Figure['bars']): Case {
  return {
    name: protocol,
    title,
    figures: [{ key: 'rate', title: 'sessions', unit: 'sessions/s', better: 'more', ...(bars && { bars }) }],
    isLong: protocol === 'pop3',
    async run({ ports }, { targetMs }) {
      const { sessions, ms, clientShare } = await runLoad<LoginsResult>('logins.ts', {
        protocol,
        port: protocol === 'imap' ? ports.imaps : ports.pop3s,
        tls: true,
        user: addressOf(1),
        password: PASSWORD,
        // POP3 locks the maildrop: its sessions take an account one after the other.
        parallel,
        ms: targetMs * 1.5,
      })
      return { rate: (sessions / ms) * 1000, clientShare }
    },
  }
}

export const logins: Scenario = {
  name: 'logins',
  about: `Whole sessions, each with a TLS handshake, on an INBOX of ${MESSAGES} messages. The password was verified before.`,
  peers: [dovecotMaildir, dovecotShipped],
  need: { accounts: 1 },
  prepare: (system) => fill(system, { messages: MESSAGES, bytes: 2_000 }),
  cases: [
    loginCase('imap', 'IMAP: login, SELECT, logout; 10 at once', 10, [
      { peer: 'dovecot-maildir', floor: 0.5, goal: 1 },
    ]),
    loginCase('pop3', 'POP3: login, STAT, QUIT; one after the other', 1, undefined),
  ],
}
