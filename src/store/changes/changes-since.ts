import { accountKey } from '../layout.ts'
import type { AccountId, Changes, MailboxId, MessageState } from '../mail-store.ts'
import { countersOf, statesOf } from '../messages/read-messages.ts'
import { decodeAccount } from '../records/account-record.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import type { StoreContext } from '../store-context.ts'
import { readChanges } from './change-log.ts'

/** States that are read at a time. */
const BATCH = 1_000

/**
 * What the log tells of a mailbox after `since`. The bounds are read before the log: a commit in between may be told
 * here and again after `highestModSeq`, but none is ever left out.
 */
export async function changesSince(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId,
  since: bigint,
): Promise<Changes> {
  const { engine } = context
  const number = mailboxNumber(mailbox)
  // Begun together: nearly always nothing has changed, and this is all.
  const [{ highestModSeq }, value] = await Promise.all([
    countersOf(engine, account, mailbox),
    engine.get(accountKey(account)),
  ])
  const before = value === undefined ? undefined : decodeAccount(value)
  const incomplete: Changes = { changed: [], vanished: [], highestModSeq, isComplete: false }
  // A MODSEQ we never gave out comes from before a restored backup.
  if (before === undefined || since < before.logFloor || since > before.modSeq) return incomplete
  if (since >= highestModSeq) return { changed: [], vanished: [], highestModSeq, isComplete: true }

  const { touched, vanished } = await touchedAfter(context, account, number, since, before.modSeq)
  const after = await engine.get(accountKey(account))
  // The log may have been trimmed while it was read.
  if (after === undefined || since < decodeAccount(after).logFloor) return incomplete
  const changed: MessageState[] = []
  for (let at = 0; at < touched.length; at += BATCH) {
    for (const state of await statesOf(engine, account, number, touched.slice(at, at + BATCH))) changed.push(state)
  }
  return { changed, vanished, highestModSeq, isComplete: true }
}

async function touchedAfter(
  context: StoreContext,
  account: AccountId,
  mailbox: number,
  since: bigint,
  upTo: bigint,
): Promise<{ touched: number[]; vanished: number[] }> {
  const touched = new Set<number>()
  const vanished = new Set<number>()
  for await (const change of readChanges(context.engine, account, since, upTo)) {
    if (change.mailbox !== mailbox) continue
    for (const [first, last] of change.ranges) {
      for (let uid = first; uid <= last; uid++) {
        if (change.kind === 'expunged') {
          touched.delete(uid)
          vanished.add(uid)
        } else {
          touched.add(uid)
        }
      }
    }
  }
  const inOrder = (uids: Set<number>) => [...uids].sort((a, b) => a - b)
  return { touched: inOrder(touched), vanished: inOrder(vanished) }
}
