import { MailError } from '../../errors/mail-error.ts'
import { AccountCommit } from '../account-commit.ts'
import type { Transaction } from '../engine.ts'
import { mailboxKey, subscriptionKey } from '../layout.ts'
import { type AccountId, accountScope } from '../mail-store.ts'
import { moveAll } from '../messages/move.ts'
import { copyMetadata } from '../metadata/metadata.ts'
import { encodeMailbox, type MailboxRecord, mailboxId, mailboxNumber } from '../records/mailbox-record.ts'
import type { StoreContext } from '../store-context.ts'
import { createMailbox } from './create-mailbox.ts'
import { canonicalName, isBelow, isInbox, newName } from './mailbox-name.ts'
import { addParents, allRecords, checkCount, childrenOf, exists, notFound } from './names.ts'

/**
 * Renames a mailbox and all below it in one commit. A name without a mailbox but with children can be renamed too
 * (RFC 3501 section 6.3.5).
 */
export async function renameMailbox(
  context: StoreContext,
  account: AccountId,
  from: string,
  to: string,
): Promise<void> {
  const source = canonicalName(from)
  const target = newName(to)
  if (isInbox(source)) return renameInbox(context, account, target)
  if (isBelow(target, source)) throw new MailError('INVALID', 'a mailbox cannot be renamed to a name below itself')
  await context.engine.transact([accountScope(account)], (tx) => renameIn(context, tx, account, source, target))
}

async function renameIn(
  context: StoreContext,
  tx: Transaction,
  account: AccountId,
  source: string,
  target: string,
): Promise<void> {
  const existing = await allRecords(tx, account)
  const moved = childrenOf(source, existing)
  if (existing.has(source)) moved.unshift(source)
  if (moved.length === 0) throw notFound(account, source)
  if (existing.has(target)) throw exists(account, target)
  const renamed = moved.map((old) => ({ old, name: newName(target + old.slice(source.length)) }))
  for (const { name } of renamed) if (existing.has(name)) throw exists(account, name)

  const numbers = moved.map((name) => (existing.get(name) as MailboxRecord).number)
  const commit = await AccountCommit.open(context, tx, account, numbers)
  const modSeq = commit.nextModSeq()
  // No name that is still to be given away counts as a parent that is there.
  for (const { old, name } of renamed) {
    const record = existing.get(old) as MailboxRecord
    existing.delete(old)
    tx.delete(mailboxKey(account, old))
    existing.set(name, record)
  }
  const { lostUidValidity } = commit.record
  for (const { old, name } of renamed) {
    const kept = withValidity(commit, existing.get(name) as MailboxRecord, lostUidValidity)
    tx.put(mailboxKey(account, name), encodeMailbox(kept))
    commit.mirror({ kind: 'mailbox-renamed', mailbox: mailboxId(kept.number), from: old, name })
  }
  addParents(commit, target, modSeq, existing)
  await checkCount(context, commit)
  await carrySubscriptions(tx, account, renamed)
  commit.mirror({ kind: 'subscriptions' })
  commit.mailboxesChanged(modSeq)
  await commit.close()
}

/**
 * A name must never see its UIDVALIDITY fall (RFC 3501 section 2.3.1.1): a mailbox older than one that has lost its
 * name, which may have been this very name, gets a new one.
 */
function withValidity(commit: AccountCommit, record: MailboxRecord, lostUidValidity: number): MailboxRecord {
  commit.record.lostUidValidity = Math.max(commit.record.lostUidValidity, record.uidValidity)
  if (record.uidValidity > lostUidValidity) return record
  const uidValidity = commit.nextUidValidity()
  commit.change(record.number).uidValidity = uidValidity
  return { ...record, uidValidity }
}

/** The new names are subscribed where the old ones were; the old ones stay, as no server may drop them (RFC 3501 section 6.3.9). */
async function carrySubscriptions(
  tx: Transaction,
  account: AccountId,
  renamed: readonly { old: string; name: string }[],
): Promise<void> {
  const values = await tx.getMany(renamed.map(({ old }) => subscriptionKey(account, old)))
  renamed.forEach(({ name }, at) => {
    if (values[at] !== undefined) tx.put(subscriptionKey(account, name), values[at])
  })
}

/**
 * RFC 3501 section 6.3.5: the messages of INBOX move to the new mailbox, INBOX stays and is empty, its children stay
 * where they are. The messages move in batches, each of them whole, so an interruption leaves every message in one of
 * the two.
 */
async function renameInbox(context: StoreContext, account: AccountId, target: string): Promise<void> {
  const inbox = (await allRecords(context.engine, account)).get('INBOX')
  if (inbox === undefined) throw notFound(account, 'INBOX')
  const mailbox = await createMailbox(context, account, target)
  await context.engine.transact([accountScope(account)], (tx) =>
    copyMetadata(tx, account, inbox.number, mailboxNumber(mailbox.id)),
  )
  await moveAll(context, account, mailboxId(inbox.number), mailbox.id)
}
