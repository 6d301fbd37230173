import { MailError } from '../../errors/mail-error.ts'
import type { AccountId, Appended, MailboxId, NewMessage } from '../mail-store.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import type { StoreContext } from '../store-context.ts'
import { addTo } from './append.ts'
import { commitTransfer } from './commit-transfer.ts'
import { expungeFrom } from './expunge.ts'

/** One commit: at no moment are both there, or neither (RFC 8508 section 3.2). */
export async function replace(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId,
  uid: number,
  target: { readonly account: AccountId; readonly mailbox: MailboxId },
  message: NewMessage,
): Promise<Appended> {
  await context.blobs.durable(message.blob)
  return commitTransfer(context, { account, mailbox }, target, async (source, destination) => {
    // The old one first: it makes room where the quota is tight.
    const gone = await expungeFrom(source, mailboxNumber(mailbox), [uid])
    if (gone.length === 0) throw new MailError('NOT_FOUND', `message ${uid} of ${mailbox} was removed meanwhile`)
    const [appended] = await addTo(destination, target.mailbox, [message])
    return appended as Appended
  })
}
