import { type AccountCommit, commitAccount } from '../account-commit.ts'
import { linkIn } from '../blob-links.ts'
import { MessageKeys, messageOwner } from '../layout.ts'
import type { AccountId, Copied, MailboxId } from '../mail-store.ts'
import { encodeCopy } from '../records/copy-record.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import { encodeState } from '../records/state-record.ts'
import { ascending } from '../records/uid-ranges.ts'
import type { StoreContext } from '../store-context.ts'
import { countIn, takeQuota, takeUids } from './append.ts'
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
): Promise<Copied> {
  const wanted = ascending(uids)
  const { indexBatch: batch } = context.limits
  const pairs: (readonly [number, number])[] = []
  let uidValidity = 0
  try {
    for (let at = 0; at === 0 || at < wanted.length; at += batch) {
      const part = wanted.slice(at, at + batch)
      const done = await commitAccount(context, account, [from, to], (commit) =>
        copyIn(commit, mailboxNumber(from), part, mailboxNumber(to)),
      )
      uidValidity = done.uidValidity
      for (const pair of done.uids) pairs.push(pair)
    }
  } catch (cause) {
    if (pairs.length > 0) await takeBack(context, account, to, pairs)
    throw cause
  }
  return { uidValidity, uids: pairs }
}

async function copyIn(commit: AccountCommit, from: number, uids: readonly number[], to: number): Promise<Copied> {
  commit.change(from)
  const target = commit.change(to)
  const rows = await rowsOf(commit, from, uids)
  if (rows.length === 0) {
    commit.leave()
    return { uidValidity: target.uidValidity, uids: [] }
  }
  const bytes = rows.reduce((sum, { state }) => sum + state.size, 0)
  takeQuota(commit.record, rows.length, bytes)
  const pairs = putRows(commit, to, rows)
  for (const [at, row] of rows.entries()) {
    linkIn(commit.tx, row.copy.blob, messageOwner(commit.account, to, pairs[at]?.[1] as number))
  }
  return { uidValidity: target.uidValidity, uids: pairs }
}

/** Writes the rows as new messages of a mailbox, without their links; returns source and destination UIDs. */
export function putRows(
  commit: AccountCommit,
  mailbox: number,
  rows: readonly MessageRow[],
): (readonly [source: number, destination: number])[] {
  const { tx, account } = commit
  const counters = commit.change(mailbox)
  const stateKeys = new MessageKeys('mail-state', account, mailbox)
  const copyKeys = new MessageKeys('mail-copy', account, mailbox)
  const indexKeys = new MessageKeys('mail-index', account, mailbox)
  const uids = takeUids(counters, rows.length)
  const modSeq = commit.nextModSeq()
  rows.forEach(({ state, copy, index }, at) => {
    const uid = uids[at] as number
    countIn(counters, state.bits, state.size)
    tx.put(stateKeys.of(uid), encodeState({ ...state, modSeq }))
    tx.put(copyKeys.of(uid), encodeCopy({ ...copy, savedAt: commit.now }))
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
