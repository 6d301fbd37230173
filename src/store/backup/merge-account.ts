import { codeOf, MailError } from '../../errors/mail-error.ts'
import { type AccountId, HIERARCHY_SEPARATOR, type Mailbox, type NewMessage } from '../mail-store.ts'
import { PresentMessages } from '../present-messages.ts'
import type { BackupAccount, BackupMailbox, BackupMessage } from './point.ts'
import { messagesOf, type Restored, type RestoreParts } from './restore-parts.ts'

const BATCH = 250

export interface MergeOptions {
  /** Names of mailboxes that are wanted; all when left out. */
  readonly mailboxes?: readonly string[] | undefined
  /** Mailboxes come back below this name, beside those that are there; into those of the same name when left out. */
  readonly beside?: string | undefined
}

/**
 * Brings back what is missing in an account that is in use. What is there stays as it is. Messages that come back are
 * new to their mailbox, with new UIDs: clients have seen the old ones go. Open sessions are told as of any new message,
 * and quotas are kept.
 * @throws MailError OVER_QUOTA when there is no more room; what came back before it stays
 */
export async function mergeAccount(
  parts: RestoreParts,
  backup: BackupAccount,
  account: AccountId,
  options: MergeOptions,
): Promise<Restored> {
  const { mail, signal, onMessages } = parts
  await mail.createAccount(account)
  const sum = { restored: 0, present: 0, lost: 0 }
  for (const mailbox of backup.mailboxes) {
    if (options.mailboxes !== undefined && !options.mailboxes.includes(mailbox.name)) continue
    const { beside } = options
    const name = beside === undefined ? mailbox.name : `${beside}${HIERARCHY_SEPARATOR}${mailbox.name}`
    const target = await targetOf(parts, account, name, mailbox)
    const present = await PresentMessages.of(mail, account, target)
    for await (const messages of messagesOf(parts.records, mailbox, BATCH)) {
      signal?.throwIfAborted()
      const done = await mergeMessages(parts, account, target, mailbox, messages, present)
      sum.restored += done.restored
      sum.present += done.present
      sum.lost += done.lost
      onMessages(messages.length)
    }
  }
  if (options.mailboxes === undefined && options.beside === undefined) {
    const there = new Set(await mail.subscriptions(account))
    for (const name of backup.subscriptions) if (!there.has(name)) await mail.setSubscribed(account, name, true)
  }
  return sum
}

async function targetOf(
  { mail }: RestoreParts,
  account: AccountId,
  name: string,
  { specialUse }: BackupMailbox,
): Promise<Mailbox> {
  try {
    return await mail.mailbox(account, name)
  } catch (error) {
    if (codeOf(error) !== 'MAILBOX_NOT_FOUND') throw error
  }
  const isTaken = (await mail.mailboxes(account)).some((one) => one.specialUse === specialUse)
  return mail.createMailbox(account, name, specialUse === undefined || isTaken ? {} : { specialUse })
}

async function mergeMessages(
  { mail, blobs, store, onLost }: RestoreParts,
  account: AccountId,
  target: Mailbox,
  mailbox: BackupMailbox,
  messages: readonly BackupMessage[],
  present: PresentMessages,
): Promise<Restored> {
  const wanted: NewMessage[] = []
  let isThere = 0
  let lost = 0
  for (const message of messages) {
    if (present.hasUid(mailbox.uidValidity, message.uid, message.emailId) || (await present.take(message))) {
      isThere += 1
      continue
    }
    try {
      if (message.sha256 === null) throw new MailError('NOT_FOUND', 'it could not be read when the backup was made')
      const { blob, index } = await blobs.bring(message.sha256)
      wanted.push({ blob, index, flags: message.flags, internalDate: message.internalDate })
    } catch (error) {
      if (!(error instanceof MailError) || (error.code !== 'NOT_FOUND' && error.code !== 'CORRUPT')) throw error
      lost += 1
      await onLost({ mailbox: mailbox.name, uid: message.uid, text: error.message })
    }
  }
  try {
    await mail.append(account, target.id, wanted)
  } catch (error) {
    if (codeOf(error) === 'OVER_QUOTA') {
      await blobs.letGo(
        store.engine,
        wanted.map(({ blob }) => blob),
        store.clock.now(),
      )
    }
    throw error
  }
  return { restored: wanted.length, present: isThere, lost }
}
