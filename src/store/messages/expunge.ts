import { type AccountCommit, commitAccount } from '../account-commit.ts'
import { MessageKeys } from '../layout.ts'
import type { AccountId, MailboxId } from '../mail-store.ts'
import { decodeCopy } from '../records/copy-record.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import { ascending } from '../records/uid-ranges.ts'
import type { StoreContext } from '../store-context.ts'
import { countOut } from './append.ts'

/** Many messages go in several commits; each message goes whole. */
export async function expunge(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId,
  uids: readonly number[],
): Promise<readonly number[]> {
  const wanted = ascending(uids)
  const { batch } = context.limits
  const removed: number[] = []
  for (let from = 0; from === 0 || from < wanted.length; from += batch) {
    const part = wanted.slice(from, from + batch)
    const gone = await commitAccount(context, account, [mailbox], (commit) =>
      expungeFrom(commit, mailboxNumber(mailbox), part),
    )
    for (const uid of gone) removed.push(uid)
  }
  return removed
}

/** Removes messages in a commit that the caller has opened. @returns those that were there */
export async function expungeFrom(commit: AccountCommit, mailbox: number, uids: readonly number[]): Promise<number[]> {
  const { tx, account, record } = commit
  const copyKeys = new MessageKeys('mail-copy', account, mailbox)
  const indexKeys = new MessageKeys('mail-index', account, mailbox)
  const counters = commit.change(mailbox)
  const states = commit.states(mailbox)
  const [copies] = await Promise.all([tx.getMany(uids.map((uid) => copyKeys.of(uid))), states.load(uids)])
  const gone: number[] = []
  uids.forEach((uid, at) => {
    const place = states.find(uid)
    const copy = copies[at]
    if (place === undefined || copy === undefined) return
    const { bits, size } = place.page.recordAt(place.row)
    countOut(counters, uid, bits, size)
    record.usedBytes -= size
    record.usedMessages -= 1
    states.remove(place)
    tx.delete(copyKeys.of(uid))
    tx.delete(indexKeys.of(uid))
    commit.drop(mailbox, uid, decodeCopy(copy).blob)
    gone.push(uid)
  })
  if (gone.length === 0) commit.leave()
  else commit.messagesChanged('expunged', mailbox, commit.nextModSeq(), gone)
  return gone
}
