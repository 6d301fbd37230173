import { MailError } from '../../errors/mail-error.ts'
import type { Transaction } from '../engine.ts'
import type { DeliveryRequest } from '../local-delivery.ts'
import type { AccountId, Appended, MailboxId, MailStore } from '../mail-store.ts'
import { recordOf } from '../mailboxes/names.ts'
import { mailboxId } from '../records/mailbox-record.ts'
import type { Inboxes } from './account-view.ts'

/** One account's copy: where it goes. */
export interface PlannedCopy {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly flags: readonly string[]
}

/** Writes every copy inside the caller's transaction; all of them refer to one blob. */
export async function commitDelivery(
  store: MailStore,
  tx: Transaction,
  inboxes: Inboxes,
  request: DeliveryRequest,
  copies: readonly PlannedCopy[],
): Promise<readonly { account: AccountId; mailbox: MailboxId; uid: number }[]> {
  if (copies.length === 1) return [await fileCopy(store, tx, inboxes, request, copies[0] as PlannedCopy)]
  // All are waited for before one is thrown: none may write once the transaction has been given up.
  const results = await Promise.allSettled(copies.map((copy) => fileCopy(store, tx, inboxes, request, copy)))
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

async function fileCopy(
  store: MailStore,
  tx: Transaction,
  inboxes: Inboxes,
  request: DeliveryRequest,
  copy: PlannedCopy,
) {
  const { account, flags } = copy
  const message = { blob: request.blob, index: request.index, flags, internalDate: request.receivedAt }
  const fileIn = async (mailbox: MailboxId) => {
    const [appended] = await store.appendIn(tx, account, mailbox, [message])
    return { account, mailbox, uid: (appended as Appended).uid }
  }
  try {
    return await fileIn(copy.mailbox)
  } catch (err) {
    if (!(err instanceof MailError) || err.code !== 'MAILBOX_NOT_FOUND') throw err
    // Deleted since the plan was made, or INBOX of an account from before.
    inboxes.delete(account)
    return fileIn(mailboxId((await recordOf(tx, account, 'INBOX')).number))
  }
}
