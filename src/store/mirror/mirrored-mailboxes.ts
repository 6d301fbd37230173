import { defineService } from '../../kernel/service.ts'
import type { MessageIndex } from '../../mail/message-index.ts'
import type { BlobRef } from '../blob-store.ts'
import type { AccountId, Mailbox, MailboxId, MailStore, SpecialUse } from '../mail-store.ts'
import type { MirrorLoad } from './mailbox-mirror.ts'
import type { MirrorCommit } from './mirror-journal.ts'

/** A message that another program has put into the mirror. */
export interface AdoptedMessage {
  /** Its name in the mirror. */
  readonly ref: BlobRef
  /** The UID it should have: taken when it is above all that the mailbox has given out, else it gets the next. */
  readonly uid?: number | undefined
  readonly index: MessageIndex
  readonly flags: readonly string[]
  readonly internalDate: number
}

/**
 * The mail store as its mirror sees it. What is changed through this is told to every session like any other change,
 * and makes no operation for the mirror.
 */
export interface MirroredMailboxes {
  /** Reads without asking the mirror first; what it changes comes from the mirror. */
  readonly store: MailStore
  /** Accounts with commits that are not confirmed. */
  waiting(): Promise<readonly AccountId[]>
  /** Commits that are not confirmed, the oldest first. @param after MODSEQ behind which to begin */
  commits(account: AccountId, limit?: number, after?: bigint): Promise<readonly MirrorCommit[]>
  /** What is in them all. */
  load(account: AccountId): Promise<MirrorLoad>
  /**
   * They are done, on disk: their blobs are let go.
   * @param kept what of them cannot be done yet, and stays; it may name another source than it did
   */
  confirm(account: AccountId, commits: readonly MirrorCommit[], kept?: readonly MirrorCommit[]): Promise<void>
  /** A message of the mirror is now known by another name. */
  rename(account: AccountId, mailbox: MailboxId, uid: number, ref: BlobRef): Promise<void>
  /**
   * Takes messages in, whatever the quota says: they are there. Returns their UIDs, in the order given.
   * @param messages those with a wanted UID first, ascending
   */
  adopt(account: AccountId, mailbox: MailboxId, messages: readonly AdoptedMessage[]): Promise<readonly number[]>
  /**
   * Gives messages new UIDs, from `uidNext` on, because another program has given theirs to other messages.
   * @returns old and new UID of each that was there
   */
  renumber(
    account: AccountId,
    mailbox: MailboxId,
    uids: readonly number[],
    uidNext: number,
  ): Promise<readonly (readonly [from: number, to: number])[]>
  /** Makes a mailbox without its parents. @throws MailError MAILBOX_EXISTS, INVALID, LIMIT_REACHED */
  createMailbox(
    account: AccountId,
    name: string,
    options?: { readonly uidValidity?: number | undefined; readonly specialUse?: SpecialUse | undefined },
  ): Promise<Mailbox>
  /**
   * Gives a mailbox the UIDVALIDITY that the mirror has for it, and UIDs from `uidNext` on. A UIDVALIDITY that a client may
   * have seen never falls (RFC 3501 section 2.3.1.1): when messages have been there, a lower one is answered with a new
   * one. Returns what it now is.
   */
  setUidValidity(account: AccountId, name: string, uidValidity: number, uidNext: number): Promise<number>
}

export const mirroredMailboxes = defineService<MirroredMailboxes>('core:mirrored-mailboxes')
