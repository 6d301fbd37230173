import { unlinkIn } from '../blob-links.ts'
import { KeyReader } from '../key.ts'
import { doomedKey, doomedRange, logRange, MessageKeys, messageOwner, metadataRange, StatePageKeys } from '../layout.ts'
import { type AccountId, accountScope } from '../mail-store.ts'
import { decodeCopy } from '../records/copy-record.ts'
import type { StoreContext } from '../store-context.ts'

/** In place of a mailbox's number: the change log of a removed account, up to the MODSEQ in the mark's value. */
export const DOOMED_LOG = 0

/**
 * A deleted mailbox is gone with the one small commit that removes its name and counters and puts a mark in their
 * place; from then on nothing leads to its messages. They are then swept batch by batch, so that no transaction grows
 * with the mailbox. Each batch removes messages with their links, then the pages of their states go, and the mark last: wherever a sweep is
 * interrupted, the mark is still there, and the next sweep goes on with what is left. Two sweeps at once do no harm,
 * as each reads what still exists inside the account's scope. Numbers of mailboxes are never used again, so a sweep
 * can never meet a living mailbox.
 */
export async function sweep(context: StoreContext, account: AccountId, mailbox: number): Promise<void> {
  if (mailbox === DOOMED_LOG) {
    while (await sweepLog(context, account));
  } else {
    while (await sweepMetadata(context, account, mailbox));
    while (await sweepMessages(context, account, mailbox));
  }
}

/** Sweeps everything that an earlier process left. */
export async function sweepAll(context: StoreContext, signal?: AbortSignal): Promise<void> {
  for await (const batch of context.engine.scan(doomedRange())) {
    for (const [at] of batch) {
      signal?.throwIfAborted()
      const reader = new KeyReader(at)
      reader.text()
      await sweep(context, reader.text() as AccountId, reader.u32())
    }
  }
}

/** Sweeps now if it can; what fails is left to the job, as the mailbox itself is gone already. */
export async function trySweep(context: StoreContext, account: AccountId, mailboxes: readonly number[]): Promise<void> {
  try {
    for (const mailbox of mailboxes) await sweep(context, account, mailbox)
  } catch (err) {
    context.log.warn({ account, err }, 'messages of a deleted mailbox are left to the next sweep')
  }
}

/** @returns whether there may be more */
async function sweepMetadata(context: StoreContext, account: AccountId, mailbox: number): Promise<boolean> {
  const range = metadataRange(account, mailbox)
  const { batch: limit } = context.limits
  for await (const first of context.engine.scan({ ...range, limit: 1 })) {
    if (first.length === 0) return false
    return context.engine.transactRelaxed([accountScope(account)], async (tx) => {
      let found = 0
      for await (const batch of tx.scan({ ...range, limit })) {
        for (const [at] of batch) tx.delete(at)
        found += batch.length
      }
      return found === limit
    })
  }
  return false
}

/** @returns whether there may be more */
async function sweepMessages(context: StoreContext, account: AccountId, mailbox: number): Promise<boolean> {
  const states = new StatePageKeys(account, mailbox)
  const copies = new MessageKeys('mail-copy', account, mailbox)
  const indexes = new MessageKeys('mail-index', account, mailbox)
  const { batch: limit } = context.limits
  return context.engine.transactRelaxed([accountScope(account)], async (tx) => {
    let found = 0
    const now = context.clock.now()
    for await (const batch of tx.scan({ ...copies.range(), limit })) {
      for (const [at, value] of batch) {
        const uid = MessageKeys.uidOf(at)
        const { blob } = decodeCopy(value)
        // What a mirror holds has gone with the mailbox.
        if (!context.mirror?.holds(blob)) unlinkIn(tx, blob, messageOwner(account, mailbox, uid), now)
        tx.delete(at)
        tx.delete(indexes.of(uid))
        found += 1
      }
    }
    if (found === limit) return true
    for await (const batch of tx.scan({ ...states.range(), limit: limit - found })) {
      for (const [at] of batch) tx.delete(at)
      found += batch.length
    }
    if (found === limit) return true
    tx.delete(doomedKey(account, mailbox))
    return false
  })
}

async function sweepLog(context: StoreContext, account: AccountId): Promise<boolean> {
  const { batch: limit } = context.limits
  return context.engine.transactRelaxed([accountScope(account)], async (tx) => {
    const mark = await tx.get(doomedKey(account, DOOMED_LOG))
    if (mark === undefined) return false
    let found = 0
    for await (const batch of tx.scan({ ...logRange(account, 0n, mark.readBigUInt64BE()), limit })) {
      for (const [at] of batch) tx.delete(at)
      found += batch.length
    }
    if (found === limit) return true
    tx.delete(doomedKey(account, DOOMED_LOG))
    return false
  })
}
