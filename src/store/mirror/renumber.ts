import type { AccountCommit } from '../account-commit.ts'
import { putRows } from '../messages/copy.ts'
import { rowsOf } from '../messages/message-rows.ts'
import { removeRows } from '../messages/move.ts'
import { ascending } from '../records/uid-ranges.ts'
import { MAX_UID } from '../uid-margin.ts'

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
  const counters = commit.change(mailbox)
  const rows = await rowsOf(commit, mailbox, ascending(uids))
  if (rows.length === 0) {
    commit.leave()
    return []
  }
  counters.lastUid = Math.min(MAX_UID, Math.max(counters.lastUid, uidNext - 1))
  const pairs = await putRows(commit, mailbox, rows, ({ copy }) => copy.blob)
  removeRows(commit, mailbox, rows)
  return pairs
}
