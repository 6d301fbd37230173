import { createHash } from 'node:crypto'
import type { AccountId, MailboxId, MessageIndex } from 'mailserver'

/** RFC 8474 section 4: the same for the mailbox under every name and for every user, and never for another. */
export function formatMailboxId(account: AccountId, mailbox: MailboxId): string {
  return `F${account}-${mailbox}`
}

/**
 * RFC 8474 section 5.2: messages of one conversation have it in common, for their References begin with the same message.
 * @returns undefined for a message that names none, itself included
 */
export function threadIdOf({ references, inReplyTo, messageId }: MessageIndex): string | undefined {
  const first = references?.[0] ?? inReplyTo?.[0] ?? messageId
  return first === undefined ? undefined : `T${createHash('sha1').update(first).digest('base64url')}`
}
