import { MailError } from '../../errors/mail-error.ts'
import { type AccountCommit, commitAccount } from '../account-commit.ts'
import type { Reader } from '../engine.ts'
import { accountKey, countersKey, MessageKeys, mailboxKey, metadataKey, subscriptionKey } from '../layout.ts'
import type { AccountId, AclSubject } from '../mail-store.ts'
import { allRecords, allSubscriptions } from '../mailboxes/names.ts'
import { awaitRoom } from '../mirror/attend.ts'
import { decodeAccount, isRemoved } from '../records/account-record.ts'
import { encodeCopy } from '../records/copy-record.ts'
import { parseFlags } from '../records/flags.ts'
import { encodeIndex } from '../records/index-codec.ts'
import { decodeCounters, newCounters } from '../records/mailbox-counters.ts'
import { encodeMailbox, type MailboxRecord, mailboxId } from '../records/mailbox-record.ts'
import { deleteGrants, putGrants } from '../sharing/grants.ts'
import { pastMargin } from '../uid-margin.ts'
import { countedAnew } from '../verify/recount.ts'
import type { Brought } from './bring-blobs.ts'
import type { BackupAccount, BackupMailbox, BackupMessage } from './point.ts'
import { messagesOf, type Restored, type RestoreParts } from './restore-parts.ts'

const BATCH = 250
/** Messages that are brought at the same time; each of them may be large. */
const AT_ONCE = 8
const NOTHING = Buffer.alloc(0)
/** Mailbox numbers that are left out: what was made after the backup must not come again (RFC 8474 MAILBOXID). */
const NUMBER_MARGIN = 10_000

/** Has the account never had a message? Then it may become what the backup has. */
export async function isUntouched(reader: Reader, account: AccountId): Promise<boolean> {
  const value = await reader.get(accountKey(account))
  if (value === undefined) return true
  const record = decodeAccount(value)
  if (isRemoved(record)) return false
  const mailboxes = [...(await allRecords(reader, account)).values()]
  const counters = await reader.getMany(mailboxes.map(({ number }) => countersKey(account, number)))
  return counters.every((one) => one === undefined || decodeCounters(one).lastUid === 0)
}

/**
 * Makes an account what it was: UIDs, UIDVALIDITY, flags, MODSEQ, dates, subscriptions. Its mailboxes have no names
 * until all messages are there, so nobody sees half of it; mail for it waits at the sender's meanwhile. Can be
 * interrupted and done again: what is there is not brought twice.
 *
 * UIDs and numbers of mailboxes go on beyond a margin, for those that were given out after the backup; the MODSEQ goes
 * on from the clock. So a client that has seen later ones takes nothing for something else.
 */
export async function restoreAccount(
  parts: RestoreParts,
  backup: BackupAccount,
  account: AccountId,
): Promise<Restored> {
  await makeRoom(parts, backup, account)
  const sum = { restored: 0, present: 0, lost: 0 }
  for (const mailbox of backup.mailboxes) {
    for await (const messages of messagesOf(parts.records, mailbox, BATCH)) {
      parts.signal?.throwIfAborted()
      const done = await bringMessages(parts, account, mailbox, messages)
      sum.restored += done.restored
      sum.present += done.present
      sum.lost += done.lost
      parts.onMessages(messages.length)
    }
  }
  await giveNames(parts, backup, account)
  return sum
}

/**
 * Takes the empty mailboxes away that every new account has. A mirror hears now of those that come: it takes messages
 * over long before anybody can name their mailbox.
 */
function makeRoom({ store }: RestoreParts, backup: BackupAccount, account: AccountId): Promise<void> {
  return commitAccount(store, account, [], async (commit) => {
    const { tx, record } = commit
    if (!(await isUntouched(tx, account))) throw new MailError('CONFLICT', 'mail has come for the account meanwhile')
    record.isLive = true
    for (const [name, mailbox] of await allRecords(tx, account)) {
      deleteGrants(commit, mailbox)
      tx.delete(mailboxKey(account, name))
      commit.removeMailbox(mailbox.number)
      commit.mirror({ kind: 'mailbox-removed', mailbox: mailboxId(mailbox.number), name })
    }
    for (const name of await allSubscriptions(tx, account)) tx.delete(subscriptionKey(account, name))
    for (const { number, name } of backup.mailboxes) {
      commit.mirror({ kind: 'mailbox-added', mailbox: mailboxId(number), name })
    }
    commit.mailboxesChanged(commit.nextModSeq())
  })
}

async function bringMessages(
  parts: RestoreParts,
  account: AccountId,
  mailbox: BackupMailbox,
  messages: readonly BackupMessage[],
): Promise<Restored> {
  const { store } = parts
  const { number } = mailbox
  const copies = new MessageKeys('mail-copy', account, number)
  const indexes = new MessageKeys('mail-index', account, number)
  const there = await store.engine.getMany(messages.map(({ uid }) => copies.of(uid)))
  const missing = messages.filter((_, at) => there[at] === undefined)
  const brought = (await inOrder(missing, AT_ONCE, (message) => bringOne(parts, mailbox, message))).filter(
    (one) => one !== undefined,
  )
  if (brought.length > 0) {
    await awaitRoom(store, account)
    await commitAccount(store, account, [], async (commit) => {
      const states = commit.states(number)
      await states.load(brought.map(({ uid }) => uid))
      for (const { uid, flags, modSeq, internalDate, savedAt, emailId, blob, index } of brought) {
        const { size } = index
        states.add(uid, { ...parseFlags(flags), modSeq: BigInt(modSeq), internalDate, size })
        const kept = commit.keep(number, uid, blob, { size, internalDate })
        commit.tx.put(copies.of(uid), encodeCopy({ blob: kept, emailId, savedAt }))
        commit.tx.put(indexes.of(uid), encodeIndex(index))
      }
    })
  }
  const lost = missing.length - brought.length
  return { restored: brought.length, present: messages.length - missing.length, lost }
}

/** undefined when the backup has lost its bytes. */
async function bringOne(
  { blobs, onLost }: RestoreParts,
  { name }: BackupMailbox,
  message: BackupMessage,
): Promise<(BackupMessage & Brought) | undefined> {
  try {
    if (message.sha256 === null) throw new MailError('NOT_FOUND', 'it could not be read when the backup was made')
    return { ...message, ...(await blobs.bring(message.sha256)) }
  } catch (error) {
    if (!(error instanceof MailError) || (error.code !== 'NOT_FOUND' && error.code !== 'CORRUPT')) throw error
    await onLost({ mailbox: name, uid: message.uid, text: error.message })
    return undefined
  }
}

/** Works on some at a time; results in the order of the items. All have ended when it throws. */
async function inOrder<T, R>(items: readonly T[], atOnce: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += atOnce) {
    const settled = await Promise.allSettled(items.slice(at, at + atOnce).map(work))
    for (const one of settled) {
      if (one.status === 'rejected') throw one.reason
      results.push(one.value)
    }
  }
  return results
}

function giveNames(parts: RestoreParts, backup: BackupAccount, account: AccountId): Promise<void> {
  return commitAccount(parts.store, account, [], async (commit) => {
    const { tx, record } = commit
    const { lastMailbox, lastUidValidity, lostUidValidity } = backup
    record.isLive = true
    record.modSeq = max(record.modSeq, BigInt(backup.modSeq))
    record.lastMailbox = Math.max(record.lastMailbox, lastMailbox) + NUMBER_MARGIN
    record.lastUidValidity = Math.max(record.lastUidValidity, lastUidValidity)
    record.lostUidValidity = Math.max(record.lostUidValidity, lostUidValidity)
    record.maxBytes ??= backup.maxBytes ?? undefined
    record.maxMessages ??= backup.maxMessages ?? undefined
    record.usedBytes = 0
    record.usedMessages = 0
    for (const mailbox of backup.mailboxes) await giveName(parts, commit, mailbox)
    for (const name of backup.subscriptions) tx.put(subscriptionKey(account, name), NOTHING)
    const modSeq = commit.nextModSeq()
    commit.mailboxesChanged(modSeq)
    // No client may ask for changes since a time of which the log knows nothing.
    record.logFloor = modSeq - 1n
  })
}

async function giveName(parts: RestoreParts, commit: AccountCommit, mailbox: BackupMailbox): Promise<void> {
  const { tx, account, record } = commit
  const { name, number, uidValidity, specialUse, createdAt, acl, lastUid, highestModSeq } = mailbox
  const mapped = acl?.map((entry) => ({ ...entry, subject: subjectOf(parts, entry.subject) }))
  const stored: MailboxRecord = {
    number,
    uidValidity,
    createdAt,
    ...(specialUse !== undefined && { specialUse }),
    ...(mapped !== undefined && { acl: mapped }),
  }
  tx.put(mailboxKey(account, name), encodeMailbox(stored))
  putGrants(commit, stored)
  for (const [owner, entry, value] of mailbox.metadata ?? []) {
    const whose = owner === 'shared' ? owner : parts.accountOf(owner)
    tx.put(metadataKey(account, number, whose, entry), Buffer.from(value, 'base64'))
  }
  commit.mirror({ kind: 'mailbox-added', mailbox: mailboxId(number), name })
  commit.addMailbox(number, uidValidity, BigInt(highestModSeq))
  const base = { ...newCounters(uidValidity, BigInt(highestModSeq)), lastUid, firstRecent: lastUid + 1 }
  const counted = await countedAnew(tx, account, number, base)
  counted.lastUid = pastMargin(counted.lastUid)
  Object.assign(commit.change(number), { ...counted, firstRecent: counted.lastUid + 1, recent: 0 })
  record.usedBytes += counted.size
  record.usedMessages += counted.messages
}

const subjectOf = ({ accountOf }: RestoreParts, subject: AclSubject): AclSubject =>
  subject === 'anyone' ? subject : accountOf(subject)

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)
