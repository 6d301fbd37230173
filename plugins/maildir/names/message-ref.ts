import type { AccountId, BlobRef, MailboxId } from 'mailserver'

/** Where the message of a ref is to be found. Its file's name begins with `key`, its directory is the mailbox's. */
export interface MessageRef {
  readonly account: AccountId
  readonly mailbox: MailboxId
  /** Octets of the message with the line ends it is known with. */
  readonly size: number
  readonly key: string
}

const PREFIX = 'md:'

export const isMessageRef = (ref: string): boolean => ref.startsWith(PREFIX)

export function formatMessageRef({ account, mailbox, size, key }: MessageRef): BlobRef {
  return `${PREFIX}${encodeURIComponent(account)}/${mailbox}/${size}/${encodeURIComponent(key)}` as BlobRef
}

/** @returns undefined when it is none of ours */
export function parseMessageRef(ref: string): MessageRef | undefined {
  const match = /^md:([^/]+)\/(m\d+)\/(\d+)\/([^/]+)$/.exec(ref)
  if (match === null) return undefined
  const [, account = '', mailbox = '', size = '', key = ''] = match
  try {
    return {
      account: decodeURIComponent(account) as AccountId,
      mailbox: mailbox as MailboxId,
      size: Number(size),
      key: decodeURIComponent(key),
    }
  } catch {
    return undefined
  }
}
