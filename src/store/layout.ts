import type { BlobRef } from './blob-store.ts'
import type { Key, Range } from './engine.ts'
import { KeyReader, key, prefixRange, u64 } from './key.ts'
import type { AccountId, AclSubject, MetadataOwner } from './mail-store.ts'

/**
 * Every key of the mail store, in one place. The first part names the space; no other room uses these words.
 *
 * | key                                          | value                                             |
 * | -------------------------------------------- | ------------------------------------------------- |
 * | `mail-account` account                       | AccountRecord: counters, quota, MODSEQ            |
 * | `mail-mailbox` account name                  | MailboxRecord                                     |
 * | `mail-subscription` account name             | nothing                                           |
 * | `mail-grant` subject account mailbox         | nothing: the ACL of the mailbox names the subject |
 * | `mail-metadata` account mailbox owner entry  | the value of an annotation; mailbox 0: of the account itself |
 * | `mail-counters` account mailbox              | MailboxCounters; its presence is the mailbox's    |
 * | `mail-state` account mailbox page            | StatePage: flags, MODSEQ, date, size of 32 UIDs   |
 * | `mail-copy` account mailbox uid              | blob, EMAILID, SAVEDATE                           |
 * | `mail-index` account mailbox uid             | MessageIndex                                      |
 * | `mail-log` account modseq                    | the changes of one commit                         |
 * | `mail-doomed` account mailbox                | a deleted mailbox whose messages are being swept  |
 * | `mail-mirror` account modseq                 | what a mirror has to do for a commit              |
 * | `mail-mirrored`                              | nothing: mailboxes are in a mirror                |
 * | `blob-link` blob owner                       | nothing: the owner needs the blob                 |
 * | `blob-dead` time blob                        | nothing: a link went; perhaps it was the last     |
 * | `blob-hold` time nonce                       | when it was renewed: what was there then is kept  |
 * | `journey` id                                 | when it began, its subject, its first events      |
 * | `journey-events` id time nonce               | later events that were written together           |
 * | `journey-found` word time id                 | nothing: a Message-ID or address leads to the id  |
 * | `journey-expiry` time id nonce               | nothing: events were written then                 |
 *
 * Accounts, names and blobs are text, mailboxes and UIDs 4 octets, MODSEQ and times 8.
 * State, copy and index are apart because they are read apart: a view of 100,000 messages is one scan of packed states.
 */
export const accountRange = (): Range => prefixRange('mail-account')
export const accountKey = (account: AccountId): Key => key('mail-account', account)

export const mailboxKey = (account: AccountId, name: string): Key => key('mail-mailbox', account, name)
export const mailboxRange = (account: AccountId): Range => prefixRange('mail-mailbox', account)

export const subscriptionKey = (account: AccountId, name: string): Key => key('mail-subscription', account, name)
export const subscriptionRange = (account: AccountId): Range => prefixRange('mail-subscription', account)

/** Written in the scope of the account that grants; `subject` is another account, or `anyone`. */
export const grantKey = (subject: AclSubject, account: AccountId, mailbox: number): Key =>
  key('mail-grant', subject, account, mailbox)
export const grantRange = (subject: AclSubject): Range => prefixRange('mail-grant', subject)

export const metadataKey = (account: AccountId, mailbox: number, owner: MetadataOwner, entry: string): Key =>
  key('mail-metadata', account, mailbox, owner, entry)
/** Entries of one owner, or of all. */
export const metadataRange = (account: AccountId, mailbox: number, owner?: MetadataOwner): Range =>
  owner === undefined
    ? prefixRange('mail-metadata', account, mailbox)
    : prefixRange('mail-metadata', account, mailbox, owner)

export const countersKey = (account: AccountId, mailbox: number): Key => key('mail-counters', account, mailbox)

export const logKey = (account: AccountId, modSeq: bigint): Key => key('mail-log', account, modSeq)
/** Changes after `after`, up to and including `upTo`, oldest first. */
export const logRange = (account: AccountId, after: bigint, upTo: bigint): Range => ({
  gt: logKey(account, after),
  lte: logKey(account, upTo),
})

export const doomedKey = (account: AccountId, mailbox: number): Key => key('mail-doomed', account, mailbox)
export const doomedRange = (): Range => prefixRange('mail-doomed')

export const mirrorJournalKey = (account: AccountId, modSeq: bigint): Key => key('mail-mirror', account, modSeq)
export const mirrorJournalRangeOf = (account: AccountId): Range => prefixRange('mail-mirror', account)
export const mirrorJournalRange = (): Range => prefixRange('mail-mirror')
export const mirroredKey = (): Key => key('mail-mirrored')

export const blobLinkKey = (blob: BlobRef, owner: string): Key => key('blob-link', blob, owner)
export const allBlobLinks = (): Range => prefixRange('blob-link')
export function readBlobLink(at: Key): { readonly blob: BlobRef; readonly owner: string } {
  const reader = new KeyReader(at)
  reader.text()
  return { blob: reader.text() as BlobRef, owner: reader.text() }
}
export const blobLinkRange = (blob: BlobRef): Range => prefixRange('blob-link', blob)
export const blobDeadKey = (at: number, blob: BlobRef): Key => key('blob-dead', ...time(at), blob)
/** Marks set at `until` or before, oldest first. */
export const blobDeadRange = (until: number): Range => ({
  gte: key('blob-dead'),
  lt: key('blob-dead', ...time(until + 1)),
})

export const blobHoldKey = (since: number, nonce: number): Key => key('blob-hold', ...time(since), nonce)
/** Oldest first. */
export const blobHoldRange = (): Range => prefixRange('blob-hold')

/** Owner text of a message's link to its blob. */
export const messageOwner = (account: AccountId, mailbox: number, uid: number): string =>
  `message/${account}/${mailbox}/${uid}`

/** The message that an owner text names; undefined when it is no message's. */
export function readMessageOwner(owner: string): { account: AccountId; mailbox: number; uid: number } | undefined {
  const match = /^message\/(.*)\/(\d{1,10})\/(\d{1,10})$/s.exec(owner)
  if (match === null) return undefined
  return { account: match[1] as AccountId, mailbox: Number(match[2]), uid: Number(match[3]) }
}

type MessageSpace = 'mail-copy' | 'mail-index'

/** Keys that differ in their last number alone; the common prefix is built once. */
class NumberedKeys {
  readonly #prefix: Buffer

  constructor(prefix: Buffer) {
    this.#prefix = prefix
  }

  of(number: number): Key {
    const length = this.#prefix.length
    const bytes = Buffer.allocUnsafe(length + 4)
    this.#prefix.copy(bytes)
    bytes.writeUInt32BE(number, length)
    return bytes
  }

  /** From one number to another, both included. */
  range(from = 0, to = 0xffff_ffff): Range {
    return { gte: this.of(from), lte: this.of(to) }
  }
}

/** Keys by UID of one kind of record in one mailbox. */
export class MessageKeys extends NumberedKeys {
  constructor(space: MessageSpace, account: AccountId, mailbox: number) {
    super(key(space, account, mailbox))
  }

  /** UID in a key of these. */
  static uidOf(bytes: Key): number {
    return bytes.readUInt32BE(bytes.length - 4)
  }
}

/** Keys of the pages of states of one mailbox. */
export class StatePageKeys extends NumberedKeys {
  constructor(account: AccountId, mailbox: number) {
    super(key('mail-state', account, mailbox))
  }

  /** Number of the page in a key of these. */
  static pageOf(bytes: Key): number {
    return bytes.readUInt32BE(bytes.length - 4)
  }
}

export const journeyKey = (id: string): Key => key('journey', id)

/** @param nonce tells batches of one millisecond apart */
export const journeyEventsKey = (id: string, at: number, nonce: number): Key =>
  key('journey-events', id, ...time(at), nonce)
export const journeyEventsRange = (id: string): Range => prefixRange('journey-events', id)

export const journeyFoundKey = (word: string, at: number, id: string): Key =>
  key('journey-found', word, ...time(at), id)
export const journeyFoundRange = (word: string): Range => prefixRange('journey-found', word)

export const journeyExpiryKey = (at: number, id: string, nonce: number): Key =>
  key('journey-expiry', ...time(at), id, nonce)
/** Marks set at `until` or before, oldest first. */
export const journeyExpiryRange = (until: number): Range => ({
  gte: key('journey-expiry'),
  lt: key('journey-expiry', ...time(until + 1)),
})

/** Milliseconds since the epoch as they stand in a key: whole, and never before it. */
function time(ms: number): [high: number, low: number] {
  return u64(Math.max(0, Math.floor(ms)))
}
