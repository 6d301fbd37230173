import { MailError } from '../../errors/mail-error.ts'
import type { MessageIndex } from '../../mail/message-index.ts'
import { AccountCommit } from '../account-commit.ts'
import { commitShared } from '../commit-groups.ts'
import type { Transaction } from '../engine.ts'
import { MessageKeys } from '../layout.ts'
import type { AccountId, Appended, MailboxId, NewMessage } from '../mail-store.ts'
import { awaitRoom } from '../mirror/attend.ts'
import type { AccountRecord } from '../records/account-record.ts'
import { encodeNewCopy } from '../records/copy-record.ts'
import { DELETED, type Flags, parseFlags, SEEN } from '../records/flags.ts'
import { encodeIndex } from '../records/index-codec.ts'
import type { MailboxCounters } from '../records/mailbox-counters.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import type { StoreContext } from '../store-context.ts'
import { MAX_UID } from '../uid-margin.ts'

export async function append(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId,
  messages: readonly NewMessage[],
): Promise<readonly Appended[]> {
  if (messages.length === 0) return []
  const additions = additionsTo(mailbox, messages)
  await Promise.all([awaitRoom(context, account), ...messages.map(({ blob }) => context.blobs.durable(blob))])
  return commitShared(context, account, {
    mailboxes: [additions.mailbox],
    weight: messages.length,
    durability: 'durable',
    run: (commit) => add(commit, additions),
  })
}

/** Throws before it writes anything, so a caller that goes on without these messages commits nothing of them. */
export async function appendIn(
  context: StoreContext,
  tx: Transaction,
  account: AccountId,
  mailbox: MailboxId,
  messages: readonly NewMessage[],
): Promise<readonly Appended[]> {
  if (messages.length === 0) return []
  const additions = additionsTo(mailbox, messages)
  const commit = await AccountCommit.open(context, tx, account, [additions.mailbox])
  const appended = await add(commit, additions)
  await commit.close()
  return appended
}

/** Adds messages in a commit that the caller has opened. @throws as append does */
export function addTo(commit: AccountCommit, mailbox: MailboxId, messages: readonly NewMessage[]): Promise<Appended[]> {
  return add(commit, additionsTo(mailbox, messages))
}

interface Additions {
  readonly mailbox: number
  readonly messages: readonly NewMessage[]
  /** Of each message. */
  readonly flags: readonly Flags[]
}

/** @throws MailError MAILBOX_NOT_FOUND, INVALID, LIMIT_REACHED */
function additionsTo(mailbox: MailboxId, messages: readonly NewMessage[]): Additions {
  const flags = messages.map((message) => parseFlags(message.flags))
  return { mailbox: mailboxNumber(mailbox), messages, flags }
}

async function add(commit: AccountCommit, { mailbox: number, messages, flags }: Additions): Promise<Appended[]> {
  const { tx, account } = commit
  const counters = commit.change(number)
  takeQuota(commit.record, messages.length, sum(messages))
  const uids = takeUids(counters, messages.length)

  const modSeq = commit.nextModSeq()
  const states = commit.states(number)
  await states.load(uids)
  const copies = new MessageKeys('mail-copy', account, number)
  const indexes = new MessageKeys('mail-index', account, number)
  messages.forEach(({ blob, index, internalDate }, at) => {
    const uid = uids[at] as number
    const { bits, keywords } = flags[at] as Flags
    countIn(counters, bits, index.size)
    states.add(uid, { bits, keywords, modSeq, internalDate, size: index.size })
    const kept = commit.keep(number, uid, blob, { size: index.size, internalDate })
    tx.put(copies.of(uid), encodeNewCopy(kept, blob, commit.now))
    tx.put(indexes.of(uid), encodedOnce(index))
  })
  commit.messagesChanged('appended', number, modSeq, uids)
  return uids.map((uid) => ({ uid, uidValidity: counters.uidValidity, modSeq }))
}

/** @throws MailError OVER_QUOTA */
export function takeQuota(record: AccountRecord, messages: number, bytes: number): void {
  const { usedBytes, usedMessages, maxBytes, maxMessages } = record
  if (usedBytes + bytes > (maxBytes ?? Infinity)) {
    throw new MailError('OVER_QUOTA', `${usedBytes} octets are used and ${maxBytes} allowed; ${bytes} more do not fit`)
  }
  if (usedMessages + messages > (maxMessages ?? Infinity)) {
    throw new MailError('OVER_QUOTA', `${usedMessages} messages are kept and ${maxMessages} allowed`)
  }
  record.usedBytes += bytes
  record.usedMessages += messages
}

/** The next UIDs of the mailbox, ascending. @throws MailError LIMIT_REACHED when it has had four thousand million */
export function takeUids(counters: MailboxCounters, count: number): number[] {
  if (counters.lastUid + count > MAX_UID) throw new MailError('LIMIT_REACHED', 'the UIDs of a mailbox are used up')
  const first = counters.lastUid + 1
  counters.lastUid += count
  return Array.from({ length: count }, (_, at) => first + at)
}

/** Counts a message that comes in. Nobody has seen it yet: it is recent. */
export function countIn(counters: MailboxCounters, bits: number, size: number): void {
  counters.messages += 1
  counters.recent += 1
  counters.size += size
  if (!(bits & SEEN)) counters.unseen += 1
  if (bits & DELETED) counters.deleted += 1
}

/** Counts a message that goes. */
export function countOut(counters: MailboxCounters, uid: number, bits: number, size: number): void {
  counters.messages -= 1
  counters.size -= size
  if (uid >= counters.firstRecent) counters.recent -= 1
  if (!(bits & SEEN)) counters.unseen -= 1
  if (bits & DELETED) counters.deleted -= 1
}

let encoded: { readonly index: MessageIndex; readonly bytes: Buffer } | undefined

/** A message to a hundred recipients, whose copies come one behind the other, is encoded once. */
function encodedOnce(index: MessageIndex): Buffer {
  if (encoded?.index !== index) encoded = { index, bytes: encodeIndex(index) }
  return encoded.bytes
}

function sum(messages: readonly NewMessage[]): number {
  return messages.reduce((total, { index }) => total + index.size, 0)
}
