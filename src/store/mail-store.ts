import type { Readable } from 'node:stream'
import { defineService } from '../kernel/service.ts'
import type { MessageIndex } from '../mail/message-index.ts'
import type { BlobRange, BlobRef } from './blob-store.ts'
import type { Transaction } from './engine.ts'

/** Never changes and is never used again, whatever happens to the address. */
export type AccountId = string & { readonly __account: true }
/** Never used again in its account, whatever happens to the name (RFC 8474 MAILBOXID). */
export type MailboxId = string & { readonly __mailbox: true }

/** RFC 6154 section 2, without the backslash. */
export type SpecialUse = 'all' | 'archive' | 'drafts' | 'flagged' | 'junk' | 'sent' | 'trash'

/** The separator of the mailbox hierarchy, the same everywhere. */
export const HIERARCHY_SEPARATOR = '/'

export interface Mailbox {
  readonly id: MailboxId
  /** UTF-8, with `/` between levels; `INBOX` always in capitals. */
  readonly name: string
  readonly uidValidity: number
  readonly specialUse?: SpecialUse
  readonly subscribed: boolean
  readonly createdAt: number
  /** Who else may do what with it; absent when nobody. The owner may do everything and does not stand in it. */
  readonly acl?: Acl
}

/**
 * Rights of RFC 4314 section 2.1, each by its letter, in the order of `ALL_RIGHTS`: lookup, read, seen, write, insert,
 * post, create, delete a mailbox, delete messages, expunge, administer.
 */
export type Rights = string
export const ALL_RIGHTS: Rights = 'lrswipkxtea'

/** Who an entry of an access control list is for. */
export type AclSubject = AccountId | 'anyone'

/** What somebody is given; or, when it is negative, what is taken from them whatever other entries give. */
export interface AclEntry {
  readonly subject: AclSubject
  readonly isNegative: boolean
  readonly rights: Rights
}

export type Acl = readonly AclEntry[]

/** A change of one entry; an entry that is left without rights goes. */
export interface AclChange extends AclEntry {
  readonly mode: 'replace' | 'add' | 'remove'
}

/** Which flags of a message somebody may change: `\Seen`, `\Deleted`, and all others. */
export interface FlagClasses {
  readonly seen: boolean
  readonly deleted: boolean
  readonly others: boolean
}

/** How messages are copied or moved to another account, or by somebody who may not set every flag there. */
export interface TransferOptions {
  /** The account of the destination, when it is another. */
  readonly account?: AccountId
  /** Flags that the copies keep; all when absent. */
  readonly keep?: FlagClasses
}

export interface MailboxStatus {
  readonly messages: number
  readonly unseen: number
  readonly deleted: number
  readonly recent: number
  readonly uidNext: number
  readonly uidValidity: number
  readonly highestModSeq: bigint
  /** Octets of all messages (RFC 8438). */
  readonly size: number
}

/**
 * What of a message changes or is asked for in bulk. System flags with their backslash (`\Seen`), keywords as given;
 * compared without case. `\Recent` is no flag of a message but of a session.
 */
export interface MessageState {
  readonly uid: number
  readonly flags: readonly string[]
  readonly modSeq: bigint
  /** INTERNALDATE, milliseconds since the epoch. */
  readonly internalDate: number
  readonly size: number
}

/**
 * The states of a whole mailbox in columns, one row a message, in the order of their UIDs. The arrays are the caller's
 * own; they may be longer than `count`.
 */
export interface StateColumns {
  readonly count: number
  readonly uids: Uint32Array
  /** Of each message, which of `flagSets` it has. */
  readonly flags: Uint32Array
  readonly flagSets: readonly (readonly string[])[]
  readonly modSeqs: Float64Array
  /** Milliseconds since the epoch. */
  readonly internalDates: Float64Array
  /** Octets; what is larger than 32 bits can say counts as that. */
  readonly sizes: Uint32Array
}

export interface MessageRecord extends MessageState {
  readonly blob: BlobRef
  /** RFC 8474 EMAILID: the same for every copy of the message. */
  readonly emailId: string
  /** When it came into this mailbox, milliseconds since the epoch (RFC 8514 SAVEDATE). */
  readonly savedAt: number
}

/** A message to put in a mailbox: the bytes are in the BlobStore already. */
export interface NewMessage {
  readonly blob: BlobRef
  readonly index: MessageIndex
  readonly flags: readonly string[]
  readonly internalDate: number
}

export interface Appended {
  readonly uid: number
  readonly uidValidity: number
  readonly modSeq: bigint
}

export type FlagChange = { readonly mode: 'add' | 'remove' | 'replace'; readonly flags: readonly string[] }

export interface Copied {
  readonly uidValidity: number
  /** Source and destination UID of each message, in ascending source order. */
  readonly uids: readonly (readonly [source: number, destination: number])[]
}

/** What happened in an account, in the order it was committed. One feed serves IDLE, NOTIFY, POP3 locks, and later JMAP and DAV. */
export type MailboxEvent =
  | {
      readonly kind: 'appended'
      readonly mailbox: MailboxId
      readonly uids: readonly number[]
      readonly modSeq: bigint
    }
  | { readonly kind: 'flags'; readonly mailbox: MailboxId; readonly uids: readonly number[]; readonly modSeq: bigint }
  | {
      readonly kind: 'expunged'
      readonly mailbox: MailboxId
      readonly uids: readonly number[]
      readonly modSeq: bigint
    }
  | { readonly kind: 'mailboxes'; readonly modSeq: bigint }
  | {
      readonly kind: 'metadata'
      /** Absent: of the account itself. */
      readonly mailbox?: MailboxId
      readonly owner: MetadataOwner
      readonly entries: readonly string[]
      readonly modSeq: bigint
    }

/** Whose an annotation is: everybody's who may see the mailbox, or one account's alone. */
export type MetadataOwner = AccountId | 'shared'

/** An annotation (RFC 5464). */
export interface MetadataEntry {
  /** In lower case, and without `/shared` or `/private`. */
  readonly name: string
  readonly value: Buffer
}

export interface MetadataChange {
  readonly owner: MetadataOwner
  /** Compared without case. */
  readonly name: string
  /** undefined removes it. */
  readonly value: Buffer | undefined
}

/** Octets of a value, and entries that one owner may have on one mailbox. */
export const METADATA_LIMITS = { bytes: 32 * 1024, entries: 100 } as const

/** An account that nobody has: annotations of the server itself stand in it, shared ones and those of each user. */
export const SERVER_ACCOUNT = 'server' as AccountId

/** What changed in a mailbox after a mod-sequence (RFC 7162). */
export interface Changes {
  /** Messages that are new or whose flags changed. */
  readonly changed: readonly MessageState[]
  readonly vanished: readonly number[]
  readonly highestModSeq: bigint
  /** False when the log no longer reaches back to `since`: the caller must take the mailbox anew. */
  readonly isComplete: boolean
}

export interface Quota {
  readonly usedBytes: number
  readonly usedMessages: number
  /** Absent: no limit. */
  readonly maxBytes?: number
  readonly maxMessages?: number
}

/**
 * Mailboxes as IMAP, POP3 and later JMAP see them, written once above Engine and BlobStore.
 * Every change is one atomic commit in the scope of its account. Events are published after the commit.
 */
export interface MailStore {
  // Accounts
  /** Makes INBOX and the special-use mailboxes when the account has none. Safe to repeat. */
  createAccount(account: AccountId): Promise<void>
  /** Removes every mailbox and message of the account. */
  removeAccount(account: AccountId): Promise<void>
  quota(account: AccountId): Promise<Quota>
  /** Limits are set by the directory; undefined takes a limit away. */
  setQuota(
    account: AccountId,
    limits: { maxBytes?: number | undefined; maxMessages?: number | undefined },
  ): Promise<void>

  // Mailboxes. A parent that does not exist is created with its child (RFC 3501 section 6.3.3).
  mailboxes(account: AccountId): Promise<readonly Mailbox[]>
  /** @throws MailError MAILBOX_NOT_FOUND */
  mailbox(account: AccountId, name: string): Promise<Mailbox>
  /** @throws MailError MAILBOX_EXISTS, INVALID (an impossible name), LIMIT_REACHED */
  createMailbox(account: AccountId, name: string, options?: { specialUse?: SpecialUse }): Promise<Mailbox>
  /** Its messages go with it. INBOX cannot go. @throws MailError MAILBOX_NOT_FOUND, NOT_ALLOWED */
  deleteMailbox(account: AccountId, name: string): Promise<void>
  /** Children follow. Renaming INBOX moves its messages and leaves it empty (RFC 3501 section 6.3.5). */
  renameMailbox(account: AccountId, from: string, to: string): Promise<void>
  /** A name may be subscribed that no mailbox has (RFC 3501 section 6.3.6). */
  setSubscribed(account: AccountId, name: string, subscribed: boolean): Promise<void>
  /** Every subscribed name, of existing mailboxes or not. */
  subscriptions(account: AccountId): Promise<readonly string[]>
  status(account: AccountId, mailbox: MailboxId): Promise<MailboxStatus>

  // Sharing (RFC 4314). A mailbox gets the access control list of its parent when it is made, and keeps its own when renamed.
  /** @throws MailError MAILBOX_NOT_FOUND, INVALID (no right), LIMIT_REACHED (too many entries) */
  changeAcl(account: AccountId, mailbox: MailboxId, change: AclChange): Promise<Acl>
  /** Accounts of others that have a mailbox whose access control list names this one, or anyone. No scan of them all. */
  sharers(account: AccountId): Promise<readonly AccountId[]>
  /** Told when some access control list changes what it gives to this account or to anyone. Returns the function that ends it. */
  watchGrants(account: AccountId, listener: () => void): () => void

  // Annotations (RFC 5464). They go with their mailbox, and follow it when it is renamed.
  /** @param mailbox undefined: of the account itself */
  metadata(account: AccountId, mailbox: MailboxId | undefined, owner: MetadataOwner): Promise<readonly MetadataEntry[]>
  /**
   * All changes or none. @returns the MODSEQ of each event that tells of it: one for each owner
   * @throws MailError MAILBOX_NOT_FOUND, TOO_LARGE (a value), LIMIT_REACHED (too many entries): `METADATA_LIMITS`
   */
  setMetadata(
    account: AccountId,
    mailbox: MailboxId | undefined,
    changes: readonly MetadataChange[],
  ): Promise<readonly bigint[]>

  // Messages
  /** All messages of a mailbox at once, as they were at one moment: what SELECT builds its view from. */
  columns(account: AccountId, mailbox: MailboxId): Promise<StateColumns>
  /** All messages of a mailbox in UID order, in batches. */
  states(account: AccountId, mailbox: MailboxId): AsyncIterable<readonly MessageState[]>
  /** Records of the UIDs that exist, in ascending order. */
  records(account: AccountId, mailbox: MailboxId, uids: readonly number[]): Promise<readonly MessageRecord[]>
  /** Indexes by UID, in batches, in the order of `uids`; UIDs that are gone are left out. Never touches a blob. */
  indexes(
    account: AccountId,
    mailbox: MailboxId,
    uids: readonly number[],
  ): AsyncIterable<readonly (readonly [uid: number, index: MessageIndex])[]>
  /** Where the octets of the UIDs that exist are, in ascending order. */
  blobs(
    account: AccountId,
    mailbox: MailboxId,
    uids: readonly number[],
  ): Promise<readonly (readonly [uid: number, blob: BlobRef])[]>
  /** Octets of a message. @throws MailError NOT_FOUND when it was expunged */
  read(account: AccountId, mailbox: MailboxId, uid: number, range?: BlobRange): Promise<Buffer>
  stream(account: AccountId, mailbox: MailboxId, uid: number, range?: BlobRange): Promise<Readable>
  /**
   * Appends all or none. On disk when it resolves. After one of the errors below nothing was written, and the blobs are
   * the caller's to release; after any other the commit may yet turn out to be on disk, and they must be left alone.
   * @throws MailError OVER_QUOTA, MAILBOX_NOT_FOUND, INVALID (no flag), LIMIT_REACHED (too many keywords)
   */
  append(account: AccountId, mailbox: MailboxId, messages: readonly NewMessage[]): Promise<readonly Appended[]>
  /**
   * The same inside a transaction of the caller, who holds `accountScope(account)`: how intake delivers to many
   * accounts and the queue in one commit.
   */
  appendIn(
    tx: Transaction,
    account: AccountId,
    mailbox: MailboxId,
    messages: readonly NewMessage[],
  ): Promise<readonly Appended[]>
  /**
   * Changes flags of the UIDs that exist. With `unchangedSince`, those that changed after it are left alone and
   * named in `modified` (RFC 7162 section 3.1.3). `changed` has the state of all others as it now is; a message whose
   * flags were so already keeps its MODSEQ, and no event tells of it. With `only`, all other flags stay as they are.
   * Does not wait for the disk.
   * @throws MailError INVALID (no flag), LIMIT_REACHED (too many keywords), MAILBOX_NOT_FOUND
   */
  setFlags(
    account: AccountId,
    mailbox: MailboxId,
    uids: readonly number[],
    change: FlagChange,
    options?: { unchangedSince?: bigint; only?: FlagClasses },
  ): Promise<{ readonly changed: readonly MessageState[]; readonly modified: readonly number[] }>
  /** Removes the UIDs that exist, whatever their flags. On disk when it resolves. Returns those removed. */
  expunge(account: AccountId, mailbox: MailboxId, uids: readonly number[]): Promise<readonly number[]>
  copy(
    account: AccountId,
    from: MailboxId,
    uids: readonly number[],
    to: MailboxId,
    options?: TransferOptions,
  ): Promise<Copied>
  /** One commit: no moment at which a message is in both or in neither (RFC 6851). */
  move(
    account: AccountId,
    from: MailboxId,
    uids: readonly number[],
    to: MailboxId,
    options?: TransferOptions,
  ): Promise<Copied>

  /**
   * Puts a message in the place of another, perhaps in another mailbox, in one commit (RFC 8508). On disk when it resolves.
   * Blobs are the caller's after an error as with `append`.
   * @throws MailError NOT_FOUND (the message is gone), OVER_QUOTA, MAILBOX_NOT_FOUND, INVALID, LIMIT_REACHED
   */
  replace(
    account: AccountId,
    mailbox: MailboxId,
    uid: number,
    target: { readonly account: AccountId; readonly mailbox: MailboxId },
    message: NewMessage,
  ): Promise<Appended>

  /**
   * Takes the `\Recent` messages for this session: those that came since the last session that asked with `take`
   * (RFC 3501 section 2.3.2). Returns the first recent UID; all from it on are recent.
   */
  firstRecentUid(account: AccountId, mailbox: MailboxId, options: { take: boolean }): Promise<number>

  // Changes
  changesSince(account: AccountId, mailbox: MailboxId, since: bigint): Promise<Changes>
  /** Events of the account from now on, whatever worker made them. Returns the function that ends it. */
  watch(account: AccountId, listener: (event: MailboxEvent) => void): () => void
}

export const mailStore = defineService<MailStore>('core:mail-store')

/** The Engine scope in which everything of an account is serialised. */
export const accountScope = (account: AccountId): string => `account:${account}`
