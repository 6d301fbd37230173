import type { Reader } from '../engine.ts'
import { accountKey, countersKey, StatePageKeys } from '../layout.ts'
import { type AccountId, accountScope } from '../mail-store.ts'
import { allRecords } from '../mailboxes/names.ts'
import { decodeAccount, encodeAccount } from '../records/account-record.ts'
import { DELETED, SEEN } from '../records/flags.ts'
import { decodeCounters, encodeCounters, type MailboxCounters } from '../records/mailbox-counters.ts'
import { StatePage, type StateRecord } from '../records/state-page.ts'
import type { StoreContext } from '../store-context.ts'
import { decoded } from './decoded.ts'

/** Counts of a mailbox as its messages have them; UIDs and MODSEQ never fall. */
export async function countedAnew(
  reader: Reader,
  account: AccountId,
  mailbox: number,
  before: MailboxCounters,
): Promise<MailboxCounters> {
  const next = { ...before, messages: 0, unseen: 0, deleted: 0, recent: 0, size: 0 }
  for await (const batch of reader.scan(new StatePageKeys(account, mailbox).range())) {
    for (const [at, value] of batch) {
      const page = decoded(value, (bytes) => StatePage.decode(StatePageKeys.pageOf(at), bytes))
      for (let row = 0; row < (page?.count ?? 0); row++) {
        countState(next, page?.uidAt(row) as number, page?.recordAt(row) as StateRecord)
      }
    }
  }
  return next
}

export function countState(
  counters: MailboxCounters,
  uid: number,
  { bits, size, modSeq }: { bits: number; size: number; modSeq: bigint },
): void {
  counters.messages += 1
  counters.size += size
  if (!(bits & SEEN)) counters.unseen += 1
  if (bits & DELETED) counters.deleted += 1
  if (uid >= counters.firstRecent) counters.recent += 1
  if (uid > counters.lastUid) counters.lastUid = uid
  if (modSeq > counters.highestModSeq) counters.highestModSeq = modSeq
}

/** @returns whether anything was wrong */
export function recountMailbox(context: StoreContext, account: AccountId, mailbox: number): Promise<boolean> {
  return context.engine.transact([accountScope(account)], async (tx) => {
    const value = await tx.get(countersKey(account, mailbox))
    const before = decoded(value, decodeCounters)
    if (value === undefined || before === undefined) return false
    const next = encodeCounters(await countedAnew(tx, account, mailbox, before))
    if (next.equals(value)) return false
    tx.put(countersKey(account, mailbox), next)
    return true
  })
}

/** Sums the account up over the counters of its mailboxes. @returns whether anything was wrong */
export function recountAccount(context: StoreContext, account: AccountId): Promise<boolean> {
  return context.engine.transact([accountScope(account)], async (tx) => {
    const value = await tx.get(accountKey(account))
    if (value === undefined) return false
    const record = decodeAccount(value)
    const mailboxes = [...(await allRecords(tx, account)).values()]
    const all = await tx.getMany(mailboxes.map(({ number }) => countersKey(account, number)))
    let usedBytes = 0
    let usedMessages = 0
    for (const bytes of all) {
      const counters = decoded(bytes, decodeCounters)
      if (counters === undefined) continue
      usedBytes += counters.size
      usedMessages += counters.messages
      if (counters.highestModSeq > record.modSeq) record.modSeq = counters.highestModSeq
      record.lastUidValidity = Math.max(record.lastUidValidity, counters.uidValidity)
    }
    for (const { number, uidValidity } of mailboxes) {
      record.lastMailbox = Math.max(record.lastMailbox, number)
      record.lastUidValidity = Math.max(record.lastUidValidity, uidValidity)
    }
    const next = encodeAccount({ ...record, usedBytes, usedMessages })
    if (next.equals(value)) return false
    tx.put(accountKey(account), next)
    return true
  })
}
