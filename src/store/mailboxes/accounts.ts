import { AccountCommit, commitAccount } from '../account-commit.ts'
import { accountKey, doomedKey, metadataRange, subscriptionKey } from '../layout.ts'
import { type AccountId, accountScope, type Quota, SERVER_ACCOUNT, type SpecialUse } from '../mail-store.ts'
import { decodeAccount, newAccountRecord } from '../records/account-record.ts'
import type { StoreContext } from '../store-context.ts'
import { doom } from './delete-mailbox.ts'
import { addMailbox, allRecords, allSubscriptions } from './names.ts'
import { DOOMED_LOG, trySweep } from './sweep.ts'

/** RFC 6154 section 2. Subscribed, because clients that show subscribed names alone would hide them. */
const FIRST_MAILBOXES: readonly (readonly [name: string, specialUse?: SpecialUse])[] = [
  ['INBOX'],
  ['Drafts', 'drafts'],
  ['Sent', 'sent'],
  ['Junk', 'junk'],
  ['Trash', 'trash'],
  ['Archive', 'archive'],
]

/** INBOX cannot be deleted, so a live account always has mailboxes, and a second call changes nothing. */
export async function createAccount(context: StoreContext, account: AccountId): Promise<void> {
  // Asked for at every start and at every first delivery: no transaction for what is nearly always there.
  if (await isLive(context, account)) return
  await commitAccount(context, account, [], async (commit) => {
    if (commit.record.isLive) return commit.leave()
    commit.record.isLive = true
    const modSeq = commit.nextModSeq()
    for (const [name, specialUse] of FIRST_MAILBOXES) {
      addMailbox(commit, name, modSeq, { specialUse, isSubscribed: true })
    }
    commit.mirror({ kind: 'quota' })
    commit.mailboxesChanged(modSeq)
  })
}

/**
 * The account's mailboxes go in one commit, which is bounded by how many an account may have; their messages are swept
 * after it. The record stays with its counters: should the id ever come back, none of its UIDVALIDITY, mailbox ids or
 * MODSEQ does.
 */
export async function removeAccount(context: StoreContext, account: AccountId): Promise<void> {
  const doomed = await context.engine.transact([accountScope(account)], async (tx) => {
    const mailboxes = await allRecords(tx, account)
    const numbers = [...mailboxes.values()].map(({ number }) => number)
    const commit = await AccountCommit.open(context, tx, account, numbers)
    const { record } = commit
    if (!record.isLive) return []
    for (const [name, mailbox] of mailboxes) doom(commit, name, mailbox)
    for (const name of await allSubscriptions(tx, account)) tx.delete(subscriptionKey(account, name))
    // Its own annotations of the server; nobody else writes these keys.
    for await (const batch of tx.scan(metadataRange(SERVER_ACCOUNT, 0, account))) {
      for (const [at] of batch) tx.delete(at)
    }
    const modSeq = commit.nextModSeq()
    commit.mailboxesChanged(modSeq)
    const mark = Buffer.alloc(8)
    mark.writeBigUInt64BE(modSeq)
    tx.put(doomedKey(account, DOOMED_LOG), mark)
    Object.assign(record, { isLive: false, maxBytes: undefined, maxMessages: undefined })
    Object.assign(record, { logFloor: modSeq, logCount: 0, logBytes: 0 })
    await commit.close()
    return [...numbers, DOOMED_LOG]
  })
  await trySweep(context, account, doomed)
}

export async function quotaOf(context: StoreContext, account: AccountId): Promise<Quota> {
  const value = await context.engine.get(accountKey(account))
  const { usedBytes, usedMessages, maxBytes, maxMessages } =
    value === undefined ? newAccountRecord() : decodeAccount(value)
  return {
    usedBytes,
    usedMessages,
    ...(maxBytes !== undefined && { maxBytes }),
    ...(maxMessages !== undefined && { maxMessages }),
  }
}

/** May come before the account is created: the limits then wait for it. */
export async function setQuota(
  context: StoreContext,
  account: AccountId,
  limits: { maxBytes?: number | undefined; maxMessages?: number | undefined },
): Promise<void> {
  const current = await quotaOf(context, account)
  if (current.maxBytes === limits.maxBytes && current.maxMessages === limits.maxMessages) return
  await commitAccount(context, account, [], async (commit) => {
    commit.record.maxBytes = limits.maxBytes
    commit.record.maxMessages = limits.maxMessages
    if (commit.record.isLive) commit.mirror({ kind: 'quota' })
  })
}

async function isLive(context: StoreContext, account: AccountId): Promise<boolean> {
  const value = await context.engine.get(accountKey(account))
  return value !== undefined && decodeAccount(value).isLive
}
