import { defineService } from '../../kernel/service.ts'
import type { BlobRef } from '../blob-store.ts'
import type { AccountId, MailboxId } from '../mail-store.ts'

/** Where a message lies, and what of it stands in a file's name or times. */
export interface MirrorPlace {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly uid: number
  /** Octets of the message as the store has it. */
  readonly size: number
  /** INTERNALDATE, milliseconds since the epoch. */
  readonly internalDate: number
}

/**
 * Keeps messages and mailboxes where other programs read and change them, such as Maildir files. A plugin provides it
 * beside the Engine and the BlobStore; without one nothing of this costs anything.
 *
 * The mail store stays what it is: UIDs, flags, MODSEQ and the change log are in the Engine. A commit that changes an
 * account also writes what the mirror has to do for it (MirrorOperation), in the same transaction; the mirror does it,
 * in the order of the commits, and confirms. What was committed and not yet confirmed is done again after a crash, so
 * every operation must be safe to repeat. What other programs change the mirror brings in through MirroredMailboxes.
 *
 * A message's bytes come from the BlobStore and are kept there until the mirror has confirmed that it holds them. From
 * its commit on the message is known by the ref that `refFor` gave: the plugin also wraps the BlobStore (`wraps` in
 * definePlugin), so that whoever reads it by that ref gets its bytes, also while they are still on their way.
 */
export interface MailboxMirror {
  /** Name of the message in the mirror: unique, text that is safe in a key. Called within the commit; does nothing yet. */
  refFor(place: MirrorPlace): BlobRef
  /** Is it a name of this mirror's? */
  holds(ref: BlobRef): boolean
  /** Resolves when the account may be given more messages, or cannot be soon. Called before a commit. Never rejects. */
  room(account: AccountId): Promise<void>
  /**
   * May it be given more to do for the account? Asked within a commit, for each message that comes in, and once for a
   * commit that changes something else; not for one that only takes away.
   * @param load what the commit asks for already
   * @throws MailError STORE_FULL, UNAVAILABLE when too much waits already: the commit is given up, and tried again later
   */
  admit(account: AccountId, kind: 'message' | 'change', load: MirrorLoad): void
  /** A commit of the account is on disk, or will be: there is this to do. Called in the worker that made it. */
  committed(account: AccountId, load: MirrorLoad): void
  /** Resolves when what other programs did until now is in the store, or cannot be brought in soon. Never rejects. */
  attend(account: AccountId): Promise<void>
  /** Somebody watches the account from now on. Returns the function that ends it. */
  watch(account: AccountId): () => void
}

export const mailboxMirror = defineService<MailboxMirror>('core:mailbox-mirror')

/** What a mirror has to do. */
export interface MirrorLoad {
  readonly operations: number
  /** Octets of the messages that it is to take over from blobs. */
  readonly bytes: number
}

type UidRange = readonly [first: number, last: number]

/** What a mirror has to do for a commit. Flags are read from the store when it is done: the newest count. */
export type MirrorOperation =
  /** Takes a message over from a blob, or copies one that it holds. Nothing to do when its UID is gone. */
  | {
      readonly kind: 'added' | 'moved'
      readonly mailbox: MailboxId
      readonly uid: number
      readonly ref: BlobRef
      readonly source: BlobRef
      /** Octets that the source is kept for; absent when it is a message of the mirror. */
      readonly bytes?: number
    }
  | { readonly kind: 'removed'; readonly mailbox: MailboxId; readonly uid: number; readonly ref: BlobRef }
  | { readonly kind: 'flags'; readonly mailbox: MailboxId; readonly ranges: readonly UidRange[] }
  | { readonly kind: 'mailbox-added' | 'mailbox-removed'; readonly mailbox: MailboxId; readonly name: string }
  | { readonly kind: 'mailbox-renamed'; readonly mailbox: MailboxId; readonly from: string; readonly name: string }
  /** The list of subscriptions, or the limits of the quota, are to be written anew. */
  | { readonly kind: 'subscriptions' | 'quota' }
