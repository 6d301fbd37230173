import type { AccountCommit } from '../account-commit.ts'
import { MessageKeys } from '../layout.ts'
import { countOut } from '../messages/append.ts'
import { putRows } from '../messages/copy.ts'
import { rowsOf } from '../messages/message-rows.ts'
import { ascending } from '../records/uid-ranges.ts'

const MAX_UID = 0xffff_fffe

/**
 * Gives messages new UIDs of their mailbox, from `uidNext` on: another program has given theirs to other messages. To
 * sessions the old ones are expunged and the new ones have come (RFC 3501 section 2.3.1.1: no UID changes its message).
 * @returns old and new UID of each that was there
 */
export async function renumberIn(
  commit: AccountCommit,
  mailbox: number,
  uids: readonly number[],
  uidNext: number,
): Promise<readonly (readonly [from: number, to: number])[]> {
  const { tx, account } = commit
  const counters = commit.change(mailbox)
  const rows = await rowsOf(commit, mailbox, ascending(uids))
  if (rows.length === 0) {
    commit.leave()
    return []
  }
  counters.lastUid = Math.min(MAX_UID, Math.max(counters.lastUid, uidNext - 1))
  const pairs = await putRows(commit, mailbox, rows, ({ copy }) => copy.blob)
  const states = commit.states(mailbox)
  const [copies, indexes] = [
    new MessageKeys('mail-copy', account, mailbox),
    new MessageKeys('mail-index', account, mailbox),
  ]
  for (const { uid, state } of rows) {
    countOut(counters, uid, state.bits, state.size)
    const place = states.find(uid)
    if (place !== undefined) states.remove(place)
    tx.delete(copies.of(uid))
    tx.delete(indexes.of(uid))
  }
  commit.messagesChanged(
    'expunged',
    mailbox,
    commit.nextModSeq(),
    rows.map(({ uid }) => uid),
  )
  return pairs
}
