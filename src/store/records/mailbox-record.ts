import { MailError } from '../../errors/mail-error.ts'
import type { Acl, Mailbox, MailboxId, SpecialUse } from '../mail-store.ts'

/** A mailbox under its name. What changes with its messages is in MailboxCounters. */
export interface MailboxRecord {
  /** Number of the mailbox in its account, never used again. */
  readonly number: number
  readonly uidValidity: number
  readonly specialUse?: SpecialUse
  readonly createdAt: number
  /** Absent when it is shared with nobody. */
  readonly acl?: Acl
}

export function encodeMailbox(record: MailboxRecord): Buffer {
  return Buffer.from(JSON.stringify({ version: 1, ...record }))
}

export function decodeMailbox(bytes: Buffer): MailboxRecord {
  try {
    const { version, ...record } = JSON.parse(bytes.toString()) as MailboxRecord & { version: number }
    if (version === 1) return record
  } catch (cause) {
    throw new MailError('CORRUPT', 'a mailbox record is unreadable', { cause })
  }
  throw new MailError('CORRUPT', 'a mailbox record has an unknown version')
}

export function toMailbox(name: string, record: MailboxRecord, subscribed: boolean): Mailbox {
  const { number, uidValidity, specialUse, createdAt, acl } = record
  return {
    id: mailboxId(number),
    name,
    uidValidity,
    ...(specialUse !== undefined && { specialUse }),
    subscribed,
    createdAt,
    ...(acl !== undefined && { acl }),
  }
}

/** RFC 8474 section 4: letters, digits, `_` and `-` alone. */
export const mailboxId = (number: number): MailboxId => `m${number}` as MailboxId

/** @throws MailError MAILBOX_NOT_FOUND when the text is no id of ours */
export function mailboxNumber(id: MailboxId): number {
  const number = /^m[1-9]\d{0,9}$/.test(id) ? Number(id.slice(1)) : 0
  if (number === 0 || number > 0xffff_ffff) throw new MailError('MAILBOX_NOT_FOUND', `there is no mailbox ${id}`)
  return number
}
