import type { AccountCommit } from '../account-commit.ts'
import { MessageKeys } from '../layout.ts'
import type { AccountId, Copied, FlagClasses, MailboxId, TransferOptions } from '../mail-store.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import { ascending } from '../records/uid-ranges.ts'
import type { StoreContext } from '../store-context.ts'
import { countOut, takeQuota } from './append.ts'
import { commitTransfer } from './commit-transfer.ts'
import { type Hold, putRows } from './copy.ts'
import { type MessageRow, rowsOf } from './message-rows.ts'

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
  options: TransferOptions = {},
): Promise<Copied> {
  const target = { account: options.account ?? account, mailbox: to }
  const wanted = ascending(uids)
  const { indexBatch: batch } = context.limits
  const pairs: (readonly [number, number])[] = []
  let uidValidity = 0
  for (let at = 0; at === 0 || at < wanted.length; at += batch) {
    const part = wanted.slice(at, at + batch)
    const done = await commitTransfer(context, { account, mailbox: from }, target, (...commits) =>
      moveIn(...commits, mailboxNumber(from), part, mailboxNumber(to), options.keep),
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
  const keys = new MessageKeys('mail-copy', account, mailboxNumber(from))
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

async function moveIn(
  source: AccountCommit,
  target: AccountCommit,
  from: number,
  uids: readonly number[],
  to: number,
  keep: FlagClasses | undefined,
): Promise<Copied> {
  source.change(from)
  const { uidValidity } = target.change(to)
  const rows = await rowsOf(source, from, uids)
  if (rows.length === 0) {
    source.leave()
    target.leave()
    return { uidValidity, uids: [] }
  }
  if (source !== target) {
    const bytes = rows.reduce((sum, { state }) => sum + state.size, 0)
    takeQuota(target.record, rows.length, bytes)
    source.record.usedBytes -= bytes
    source.record.usedMessages -= rows.length
  }
  const hold: Hold = ({ uid, copy, state }, there) => target.carry(source, [from, uid], [to, there], copy.blob, state)
  const pairs = await putRows(target, to, rows, hold, keep)
  removeRows(source, from, rows)
  return { uidValidity, uids: pairs }
}

/** Takes messages out of their mailbox that live on elsewhere: their bytes and the quota are left alone. */
export function removeRows(commit: AccountCommit, mailbox: number, rows: readonly MessageRow[]): void {
  const { tx, account } = commit
  const counters = commit.change(mailbox)
  const states = commit.states(mailbox)
  const copyKeys = new MessageKeys('mail-copy', account, mailbox)
  const indexKeys = new MessageKeys('mail-index', account, mailbox)
  for (const { uid, state } of rows) {
    countOut(counters, uid, state.bits, state.size)
    const place = states.find(uid)
    if (place !== undefined) states.remove(place)
    tx.delete(copyKeys.of(uid))
    tx.delete(indexKeys.of(uid))
  }
  const gone = rows.map(({ uid }) => uid)
  commit.messagesChanged('expunged', mailbox, commit.nextModSeq(), gone)
}
