import { MailError } from '../../errors/mail-error.ts'
import type { AccountCommit } from '../account-commit.ts'
import type { Reader } from '../engine.ts'
import { KeyReader, key } from '../key.ts'
import { mailboxKey, mailboxRange, subscriptionKey, subscriptionRange } from '../layout.ts'
import type { AccountId, Acl, Mailbox, SpecialUse } from '../mail-store.ts'
import { attend } from '../mirror/attend.ts'
import { decodeMailbox, encodeMailbox, type MailboxRecord, mailboxId, toMailbox } from '../records/mailbox-record.ts'
import { putGrants } from '../sharing/grants.ts'
import type { StoreContext } from '../store-context.ts'
import { canonicalName, isBelow, isInbox, parentsOf } from './mailbox-name.ts'

const NOTHING = Buffer.alloc(0)

/** The record under a name. @param name canonical @throws MailError MAILBOX_NOT_FOUND */
export async function recordOf(reader: Reader, account: AccountId, name: string): Promise<MailboxRecord> {
  const value = await reader.get(mailboxKey(account, name))
  if (value === undefined) throw notFound(account, name)
  return decodeMailbox(value)
}

/** The records of those of the names that exist. @param names canonical */
export async function recordsOf(
  reader: Reader,
  account: AccountId,
  names: readonly string[],
): Promise<Map<string, MailboxRecord>> {
  const values = await reader.getMany(names.map((name) => mailboxKey(account, name)))
  return new Map(
    names.flatMap((name, at): [string, MailboxRecord][] => {
      const value = values[at]
      return value === undefined ? [] : [[name, decodeMailbox(value)]]
    }),
  )
}

/** Every mailbox of the account by name: INBOX first, then in the order of the names' octets. */
export async function allRecords(reader: Reader, account: AccountId): Promise<Map<string, MailboxRecord>> {
  const prefix = key('mail-mailbox', account).length
  const records: [string, MailboxRecord][] = []
  for await (const batch of reader.scan(mailboxRange(account))) {
    for (const [at, value] of batch) records.push([nameIn(at, prefix), decodeMailbox(value)])
  }
  const inbox = records.findIndex(([name]) => isInbox(name))
  if (inbox > 0) records.unshift(...records.splice(inbox, 1))
  return new Map(records)
}

/** Every subscribed name, of existing mailboxes or not. */
export async function allSubscriptions(reader: Reader, account: AccountId): Promise<string[]> {
  const prefix = key('mail-subscription', account).length
  const names: string[] = []
  for await (const batch of reader.scan(subscriptionRange(account))) {
    for (const [at] of batch) names.push(nameIn(at, prefix))
  }
  return names
}

export async function listMailboxes(context: StoreContext, account: AccountId): Promise<readonly Mailbox[]> {
  await attend(context, account)
  const [records, subscriptions] = await Promise.all([
    allRecords(context.engine, account),
    allSubscriptions(context.engine, account),
  ])
  const subscribed = new Set(subscriptions)
  return [...records].map(([name, record]) => toMailbox(name, record, subscribed.has(name)))
}

export async function findMailbox(context: StoreContext, account: AccountId, name: string): Promise<Mailbox> {
  await attend(context, account)
  const canonical = canonicalName(name)
  const [record, subscription] = await context.engine.getMany([
    mailboxKey(account, canonical),
    subscriptionKey(account, canonical),
  ])
  if (record === undefined) throw notFound(account, canonical)
  return toMailbox(canonical, decodeMailbox(record), subscription !== undefined)
}

/** Writes a new, empty mailbox. The caller has seen to it that the name is free. */
export function addMailbox(
  commit: AccountCommit,
  name: string,
  modSeq: bigint,
  options: {
    specialUse?: SpecialUse | undefined
    isSubscribed?: boolean
    acl?: Acl | undefined
    uidValidity?: number | undefined
  } = {},
): MailboxRecord {
  const { record: account } = commit
  account.lastMailbox += 1
  const { specialUse, acl } = options
  const record: MailboxRecord = {
    number: account.lastMailbox,
    uidValidity: options.uidValidity ?? commit.nextUidValidity(),
    ...(specialUse !== undefined && { specialUse }),
    createdAt: commit.now,
    ...(acl !== undefined && { acl }),
  }
  putGrants(commit, record)
  commit.tx.put(mailboxKey(commit.account, name), encodeMailbox(record))
  if (options.isSubscribed) commit.tx.put(subscriptionKey(commit.account, name), NOTHING)
  commit.addMailbox(record.number, record.uidValidity, modSeq)
  commit.mirror({ kind: 'mailbox-added', mailbox: mailboxId(record.number), name })
  if (options.isSubscribed) commit.mirror({ kind: 'subscriptions' })
  return record
}

/** Makes the parents of a name that are missing. @param existing those of them that exist, at least; what is made is added */
export function addParents(
  commit: AccountCommit,
  name: string,
  modSeq: bigint,
  existing: Map<string, MailboxRecord>,
): void {
  for (const parent of parentsOf(name)) {
    if (!existing.has(parent)) {
      existing.set(parent, addMailbox(commit, parent, modSeq, { acl: inheritedAcl(parent, existing) }))
    }
  }
}

/** A new mailbox is shared as the one above it (RFC 4314 section 4). */
export function inheritedAcl(name: string, existing: ReadonlyMap<string, MailboxRecord>): Acl | undefined {
  const parent = parentsOf(name).findLast((above) => existing.has(above))
  return parent === undefined ? undefined : existing.get(parent)?.acl
}

/** To be called when the new mailbox is written. @throws MailError LIMIT_REACHED */
export async function checkCount({ limits }: StoreContext, { tx, account, record }: AccountCommit): Promise<void> {
  // No number is used twice: an account that never had so many has not so many now, and nobody needs to count.
  if (record.lastMailbox <= limits.mailboxes) return
  if ((await allRecords(tx, account)).size > limits.mailboxes) {
    throw new MailError('LIMIT_REACHED', `an account has ${limits.mailboxes} mailboxes at most`)
  }
}

export const childrenOf = (name: string, existing: ReadonlyMap<string, MailboxRecord>): string[] =>
  [...existing.keys()].filter((other) => isBelow(other, name))

export function notFound(account: AccountId, name: string): MailError {
  return new MailError('MAILBOX_NOT_FOUND', `account ${account} has no mailbox ${JSON.stringify(name)}`)
}

export function exists(account: AccountId, name: string): MailError {
  return new MailError('MAILBOX_EXISTS', `account ${account} has a mailbox ${JSON.stringify(name)} already`)
}

/** A text that ends a key stands in it as it is, but for its terminator: names have no NUL to escape. */
function nameIn(at: Buffer, prefix: number): string {
  return new KeyReader(at.subarray(prefix)).text()
}
