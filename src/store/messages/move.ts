import { type AccountCommit, commitAccount } from '../account-commit.ts'
import { relinkIn } from '../blob-links.ts'
import { MessageKeys, messageOwner } from '../layout.ts'
import type { AccountId, Copied, MailboxId } from '../mail-store.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import { ascending } from '../records/uid-ranges.ts'
import type { StoreContext } from '../store-context.ts'
import { countOut } from './append.ts'
import { putRows } from './copy.ts'
import { rowsOf } from './message-rows.ts'

/**
 * Many messages go in several commits; each message is in one of the two mailboxes at every moment (RFC 6851 section
 * 3.3). When a later commit fails, what has moved stays moved, which the same section allows.
 */
export async function move(
  context: StoreContext,
  account: AccountId,
  from: MailboxId,
  uids: readonly number[],
  to: MailboxId,
): Promise<Copied> {
  const wanted = ascending(uids)
  const { indexBatch: batch } = context.limits
  const pairs: (readonly [number, number])[] = []
  let uidValidity = 0
  for (let at = 0; at === 0 || at < wanted.length; at += batch) {
    const part = wanted.slice(at, at + batch)
    const done = await commitAccount(context, account, [from, to], (commit) =>
      moveIn(commit, mailboxNumber(from), part, mailboxNumber(to)),
    )
    uidValidity = done.uidValidity
    for (const pair of done.uids) pairs.push(pair)
  }
  return { uidValidity, uids: pairs }
}

/** Moves every message that is in the mailbox when its turn comes. */
export async function moveAll(
  context: StoreContext,
  account: AccountId,
  from: MailboxId,
  to: MailboxId,
): Promise<void> {
  const { indexBatch: batch } = context.limits
  const keys = new MessageKeys('mail-state', account, mailboxNumber(from))
  for (let last = 0; ; ) {
    const uids: number[] = []
    for await (const entries of context.engine.scan({ ...keys.range(last + 1), limit: batch })) {
      for (const [at] of entries) uids.push(MessageKeys.uidOf(at))
    }
    await move(context, account, from, uids, to)
    if (uids.length < batch) return
    last = uids.at(-1) as number
  }
}

async function moveIn(commit: AccountCommit, from: number, uids: readonly number[], to: number): Promise<Copied> {
  const { tx, account } = commit
  const source = commit.change(from)
  const target = commit.change(to)
  const rows = await rowsOf(commit, from, uids)
  if (rows.length === 0) {
    commit.leave()
    return { uidValidity: target.uidValidity, uids: [] }
  }
  const pairs = putRows(commit, to, rows)
  const stateKeys = new MessageKeys('mail-state', account, from)
  const copyKeys = new MessageKeys('mail-copy', account, from)
  const indexKeys = new MessageKeys('mail-index', account, from)
  rows.forEach(({ uid, state, copy }, at) => {
    countOut(source, uid, state.bits, state.size)
    tx.delete(stateKeys.of(uid))
    tx.delete(copyKeys.of(uid))
    tx.delete(indexKeys.of(uid))
    relinkIn(tx, copy.blob, messageOwner(account, from, uid), messageOwner(account, to, pairs[at]?.[1] as number))
  })
  const gone = rows.map(({ uid }) => uid)
  commit.messagesChanged('expunged', from, commit.nextModSeq(), gone)
  return { uidValidity: target.uidValidity, uids: pairs }
}
