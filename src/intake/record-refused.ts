import { formatAddress } from '../mail/address.ts'
import { senderText } from '../queue/queue.ts'
import type { IntakeCore } from './core.ts'
import type { Transaction } from './transaction.ts'

/** Writes down a transaction of which nothing is kept: refused, or thrown away by a hook. */
export function recordRefused(core: IntakeCore, transaction: Transaction, messageIdHeader?: string): void {
  const { id, sender, taken, refusedRecipients, trace } = transaction
  const recipients = [...taken.map(({ recipient }) => formatAddress(recipient.address)), ...refusedRecipients]
  const subject = {
    id,
    sender: senderText(sender),
    recipients,
    ...(messageIdHeader !== undefined && { messageIdHeader }),
  }
  core.journeys.recordRefused(subject, trace.events)
}
