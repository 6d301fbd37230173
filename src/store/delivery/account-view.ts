import { MailError } from '../../errors/mail-error.ts'
import type { Engine } from '../engine.ts'
import { accountKey, mailboxKey } from '../layout.ts'
import type { AccountId, MailboxId, MailStore } from '../mail-store.ts'
import { type AccountRecord, decodeAccount } from '../records/account-record.ts'
import { decodeMailbox, mailboxId } from '../records/mailbox-record.ts'

/** What a delivery must know of an account, read for many accounts at once. */
export interface AccountView {
  readonly account: AccountId
  readonly record: AccountRecord
  readonly inbox: MailboxId
}

/** In the order of `accounts`. An account that mail reaches before it was ever opened gets its mailboxes now. */
export async function viewAccounts(
  engine: Engine,
  store: MailStore,
  accounts: readonly AccountId[],
): Promise<readonly AccountView[]> {
  const views = await readViews(engine, accounts)
  const missing = accounts.filter((_, at) => views[at] === undefined)
  if (missing.length === 0) return views as AccountView[]
  await Promise.all(missing.map((account) => store.createAccount(account)))
  const made = await readViews(engine, accounts)
  if (made.includes(undefined)) throw new MailError('UNAVAILABLE', 'an account was removed while mail came for it')
  return made as AccountView[]
}

async function readViews(engine: Engine, accounts: readonly AccountId[]): Promise<(AccountView | undefined)[]> {
  const values = await engine.getMany(
    accounts.flatMap((account) => [accountKey(account), mailboxKey(account, 'INBOX')]),
  )
  return accounts.map((account, at) => {
    const [record, inbox] = [values[at * 2], values[at * 2 + 1]]
    if (record === undefined || inbox === undefined) return undefined
    return { account, record: decodeAccount(record), inbox: mailboxId(decodeMailbox(inbox).number) }
  })
}

/** The error that a message of this size meets; undefined when there is room. */
export function overQuota({ account, record }: AccountView, size: number): MailError | undefined {
  const { usedBytes, usedMessages, maxBytes = Infinity, maxMessages = Infinity } = record
  if (usedBytes + size <= maxBytes && usedMessages < maxMessages) return undefined
  return new MailError('OVER_QUOTA', `account ${account} has no room for a message of ${size} octets`)
}
