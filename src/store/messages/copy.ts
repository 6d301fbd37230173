import type { AccountCommit } from '../account-commit.ts'
import type { BlobRef } from '../blob-store.ts'
import { MessageKeys } from '../layout.ts'
import type { AccountId, Copied, FlagClasses, MailboxId, TransferOptions } from '../mail-store.ts'
import { awaitRoom } from '../mirror/attend.ts'
import { encodeCopy } from '../records/copy-record.ts'
import { mixFlags, NO_FLAGS } from '../records/flags.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import { ascending } from '../records/uid-ranges.ts'
import type { StoreContext } from '../store-context.ts'
import { countIn, takeQuota, takeUids } from './append.ts'
import { commitTransfer } from './commit-transfer.ts'
import { expunge } from './expunge.ts'
import { type MessageRow, rowsOf } from './message-rows.ts'

/**
 * Copies with flags and INTERNALDATE (RFC 3501 section 6.4.7). Many messages go in several commits; when one of them
 * fails, what was copied is taken away again, as the section demands.
 */
export async function copy(
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
  try {
    for (let at = 0; at === 0 || at < wanted.length; at += batch) {
      const part = wanted.slice(at, at + batch)
      await awaitRoom(context, target.account)
      const done = await commitTransfer(context, { account, mailbox: from }, target, (...commits) =>
        copyIn(...commits, mailboxNumber(from), part, mailboxNumber(to), options.keep),
      )
      uidValidity = done.uidValidity
      for (const pair of done.uids) pairs.push(pair)
    }
  } catch (cause) {
    if (pairs.length > 0) await takeBack(context, target.account, to, pairs)
    throw cause
  }
  return { uidValidity, uids: pairs }
}

async function copyIn(
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
  if (source !== target || rows.length === 0) source.leave()
  if (rows.length === 0) {
    target.leave()
    return { uidValidity, uids: [] }
  }
  const bytes = rows.reduce((sum, { state }) => sum + state.size, 0)
  takeQuota(target.record, rows.length, bytes)
  const hold: Hold = ({ copy, state }, uid) => target.keep(to, uid, copy.blob, state)
  const pairs = await putRows(target, to, rows, hold, keep)
  return { uidValidity, uids: pairs }
}

/** Keeps the bytes of a row under its new UID; returns the ref for its record. */
export type Hold = (row: MessageRow, uid: number) => BlobRef

/**
 * Writes the rows as new messages of a mailbox; returns source and destination UIDs.
 * @param keep the flags that come with them; all when absent
 */
export async function putRows(
  commit: AccountCommit,
  mailbox: number,
  rows: readonly MessageRow[],
  hold: Hold,
  keep?: FlagClasses,
): Promise<(readonly [source: number, destination: number])[]> {
  const { tx, account } = commit
  const counters = commit.change(mailbox)
  const copyKeys = new MessageKeys('mail-copy', account, mailbox)
  const indexKeys = new MessageKeys('mail-index', account, mailbox)
  const uids = takeUids(counters, rows.length)
  const states = commit.states(mailbox)
  await states.load(uids)
  const modSeq = commit.nextModSeq()
  rows.forEach((row, at) => {
    const { state, copy, index } = row
    const uid = uids[at] as number
    const flags = keep === undefined ? state : mixFlags(state, NO_FLAGS, keep)
    countIn(counters, flags.bits, state.size)
    states.add(uid, { ...state, bits: flags.bits, keywords: flags.keywords, modSeq })
    tx.put(copyKeys.of(uid), encodeCopy({ ...copy, blob: hold(row, uid), savedAt: commit.now }))
    tx.put(indexKeys.of(uid), index)
  })
  commit.messagesChanged('appended', mailbox, modSeq, uids)
  return rows.map(({ uid }, at) => [uid, uids[at] as number] as const)
}

async function takeBack(
  context: StoreContext,
  account: AccountId,
  to: MailboxId,
  pairs: readonly (readonly [number, number])[],
): Promise<void> {
  try {
    await expunge(
      context,
      account,
      to,
      pairs.map(([, uid]) => uid),
    )
  } catch (err) {
    // The first error is the one to report; the store that fails here fails the caller anyway.
    context.log.error({ account, mailbox: to, err }, 'messages of a failed copy could not be taken away again')
  }
}
