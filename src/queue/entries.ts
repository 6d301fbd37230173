import { linkIn } from '../store/blob-links.ts'
import type { Key, Transaction } from '../store/engine.ts'
import {
  blobOwner,
  claimKey,
  destinationOf,
  dueKey,
  encode,
  messageKey,
  NOTHING,
  recipientKey,
  type StoredRecipient,
} from './layout.ts'
import type { QueueMessage } from './queue.ts'

/** Tells every worker that something waits for a destination. */
export type Announce = (destination: string, dueAt: number) => void

/** Writes a message and its recipients; the blob lives until the last of them is settled. */
export function addMessage(
  tx: Transaction,
  message: QueueMessage,
  recipients: readonly StoredRecipient[],
  announce: Announce,
): void {
  tx.put(messageKey(message.id), encode({ ...message, recipientCount: recipients.length }))
  linkIn(tx, message.blob, blobOwner(message.id))
  const earliest = new Map<string, number>()
  for (const recipient of recipients) {
    const destination = destinationOf(recipient)
    tx.put(recipientKey(message.id, recipient.index), encode(recipient))
    tx.put(dueKey(destination, recipient.dueAt, message.id, recipient.index), NOTHING)
    earliest.set(destination, Math.min(recipient.dueAt, earliest.get(destination) ?? recipient.dueAt))
  }
  tx.afterCommit(() => {
    for (const [destination, dueAt] of earliest) announce(destination, dueAt)
  })
}

/** Replaces an entry, and its index key when that changes. Nobody is put into `delivering` by this: claims do that. */
export function replaceEntry(
  tx: Transaction,
  before: StoredRecipient,
  after: StoredRecipient,
  announce: Announce,
): void {
  tx.put(recipientKey(after.message, after.index), encode(after))
  const old = indexKey(before)
  const now = indexKey(after)
  if (old !== undefined && (now === undefined || !old.equals(now))) tx.delete(old)
  if (after.state !== 'waiting' || now === undefined) return
  tx.put(now, NOTHING)
  tx.afterCommit(() => announce(destinationOf(after), after.dueAt))
}

export function removeEntry(tx: Transaction, entry: StoredRecipient): void {
  tx.delete(recipientKey(entry.message, entry.index))
  const index = indexKey(entry)
  if (index !== undefined) tx.delete(index)
}

function indexKey(entry: StoredRecipient): Key | undefined {
  if (entry.state === 'waiting') return dueKey(destinationOf(entry), entry.dueAt, entry.message, entry.index)
  if (entry.owner === undefined) return undefined
  return claimKey(entry.owner, entry.message, entry.index)
}
