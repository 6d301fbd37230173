import { MailError } from '../../errors/mail-error.ts'
import type { Engine } from '../engine.ts'
import { accountKey, mailboxKey } from '../layout.ts'
import type { AccountId, MailboxId, MailStore } from '../mail-store.ts'
import { type AccountRecord, decodeAccount, isRemoved } from '../records/account-record.ts'
import { decodeMailbox, mailboxId } from '../records/mailbox-record.ts'

/** Accounts whose INBOX is remembered; then all are forgotten, and looked up anew. */
const MAX_INBOXES = 10_000

/**
 * Where INBOX of an account is: it cannot be deleted, and keeps its number when it is renamed. Only an account that was
 * removed and made anew has another; a delivery that does not find the old one forgets it.
 */
export type Inboxes = Map<AccountId, MailboxId>

/** What a delivery must know of an account, read for many accounts at once. */
export interface AccountView {
  readonly account: AccountId
  readonly record: AccountRecord
  readonly inbox: MailboxId
}

/**
 * An account that mail reaches before it was ever opened gets its mailboxes now. One that was removed does not: nobody
 * would ever read what came into them.
 * @returns `gone`: the accounts that were removed
 */
export async function viewAccounts(
  engine: Engine,
  store: MailStore,
  inboxes: Inboxes,
  accounts: readonly AccountId[],
): Promise<{ readonly views: readonly AccountView[]; readonly gone: readonly AccountId[] }> {
  const first = await readViews(engine, inboxes, accounts)
  if (first.missing.length === 0) return first
  await Promise.all(first.missing.map((account) => store.createAccount(account)))
  const made = await readViews(engine, inboxes, accounts)
  if (made.missing.length === 0) return made
  throw new MailError('UNAVAILABLE', 'an account could not be opened for the mail that came for it')
}

/** In the order of `accounts`. */
async function readViews(engine: Engine, inboxes: Inboxes, accounts: readonly AccountId[]) {
  const unknown = accounts.filter((account) => !inboxes.has(account))
  const keys = [...accounts.map(accountKey), ...unknown.map((account) => mailboxKey(account, 'INBOX'))]
  const values = await engine.getMany(keys)
  if (inboxes.size + unknown.length > MAX_INBOXES) inboxes.clear()
  for (const [at, account] of unknown.entries()) {
    const inbox = values[accounts.length + at]
    if (inbox !== undefined) inboxes.set(account, mailboxId(decodeMailbox(inbox).number))
  }
  const views: AccountView[] = []
  const gone: AccountId[] = []
  const missing: AccountId[] = []
  for (const [at, account] of accounts.entries()) {
    const bytes = values[at]
    const record = bytes === undefined ? undefined : decodeAccount(bytes)
    const inbox = inboxes.get(account)
    if (record !== undefined && isRemoved(record)) gone.push(account)
    else if (record === undefined || inbox === undefined) missing.push(account)
    else views.push({ account, record, inbox })
  }
  return { views, gone, missing }
}

/** The error that a message of this size meets; undefined when there is room. */
export function overQuota({ account, record }: AccountView, size: number): MailError | undefined {
  const { usedBytes, usedMessages, maxBytes = Infinity, maxMessages = Infinity } = record
  if (usedBytes + size <= maxBytes && usedMessages < maxMessages) return undefined
  return new MailError('OVER_QUOTA', `account ${account} has no room for a message of ${size} octets`)
}
