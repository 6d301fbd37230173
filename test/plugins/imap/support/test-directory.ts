import { type Account, type AccountId, type Authenticator, type Directory, MailError, type MailStore } from 'mailserver'
import { saslOf } from '../../../../src/directory/sasl/mechanisms.ts'
import { login, plain } from '../../../../src/directory/sasl/plain.ts'
import type { SaslMechanism } from '../../../../src/directory/sasl/sasl.ts'

export const PASSWORD = 'secret'

/** Everybody there is in a test, all with one password. */
export const USERS = ['alice', 'bob', 'carol', 'public', 'admin'] as const
export type User = (typeof USERS)[number]

export const idOf = (user: User): AccountId => `account-${user}` as AccountId

const ACCOUNTS: readonly Account[] = USERS.map((local) => ({
  id: idOf(local),
  address: { local, domain: 'example.test' },
  source: 'store',
  disabled: false,
  createdAt: 0,
}))

/** The part of a directory that IMAP asks. Quotas go to the store, as they do from the real one. */
export function testDirectory(store: MailStore): Directory {
  const at = ({ local, domain }: Account['address']) =>
    ACCOUNTS.find(({ address }) => address.local === local.toLowerCase() && address.domain === domain)
  const known: Partial<Directory> = {
    account: async (id) => ACCOUNTS.find((account) => account.id === id),
    accountByAddress: async (address) => at(address),
    async updateAccount(address, { maxBytes, maxMessages }) {
      const account = at(address)
      if (account === undefined) throw new MailError('NOT_FOUND', 'nobody of that name')
      await store.setQuota(account.id, { maxBytes: maxBytes ?? undefined, maxMessages: maxMessages ?? undefined })
      return account
    },
  }
  return known as Directory
}

export const testAuthenticator: Authenticator = {
  async authenticate({ login, password }) {
    if (login === 'down@example.test') throw new MailError('UNAVAILABLE', 'the directory is down')
    const account = ACCOUNTS.find(({ address }) => login === `${address.local}@${address.domain}`)
    if (account !== undefined && password === PASSWORD) return account
    throw new MailError('AUTHENTICATION_FAILED', 'wrong')
  },
}

const anywhere = (mechanism: SaslMechanism): SaslMechanism => ({ ...mechanism, isOffered: () => true })

/** These sessions are told that they are encrypted; their sockets are not. */
export const testSasl = saslOf([
  ['PLAIN', anywhere(plain(testAuthenticator))],
  ['LOGIN', anywhere(login(testAuthenticator))],
])
