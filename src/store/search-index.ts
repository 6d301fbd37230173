import { defineService } from '../kernel/service.ts'
import type { AccountId, MailboxId } from './mail-store.ts'
import type { SearchText } from './search/search-text.ts'

/** The mailbox of a message, as its UIDs are unique in it. */
export interface IndexedMailbox {
  readonly id: MailboxId
  readonly uidValidity: number
}

/** The text of one message. */
export interface SearchDocument extends SearchText {
  readonly uid: number
  /** The same for every copy of the message: its text is kept once. */
  readonly id: string
}

/** A copy of a message whose text is there already. */
export interface SearchCopy {
  readonly uid: number
  readonly id: string
}

/** Messages of a mailbox that follow each other. */
export interface IndexBatch {
  readonly documents: readonly SearchDocument[]
  readonly copies: readonly SearchCopy[]
  /** UIDs whose text is not kept, for its size or because it cannot be read. */
  readonly skipped: readonly number[]
  /** Every UID up to this one has been seen: it is in a batch, or it is gone. */
  readonly through: number
}

/** Which messages an index knows: every UID up to `through`, but for those that were skipped. */
export interface Coverage {
  readonly through: number
  readonly skipped: ReadonlySet<number>
}

export interface SearchQuery {
  /** `text` is header and body. */
  readonly within: 'text' | 'body'
  /** Folded by `foldText`, and not empty. */
  readonly needle: string
}

/** Who may contain the needle. */
export interface Candidates {
  /** Rising. Every message that the index knows and that contains the needle is among them. */
  readonly uids: Uint32Array
  /** All of them contain it: none needs to be read. */
  readonly isExact: boolean
}

/** An answer and what it was drawn from, at one moment. */
export interface SearchAnswer extends Coverage {
  /** In the order of the queries; undefined for a needle of which the index knows nothing. */
  readonly candidates: readonly (Candidates | undefined)[]
}

/** What an index has of an account. */
export interface IndexFigures {
  /** Messages whose text can be found, each copy counted. */
  readonly messages: number
  /** Messages that were skipped. */
  readonly skipped: number
  /** On disk. */
  readonly octets: number
}

/**
 * Text in, ids out: finds messages by their text without reading them. Only a help: what it does not know is read, so
 * that answers always equal those of reading everything. What it has may be lost at any time and is made anew.
 * UIDs are never used again in their mailbox and texts never change, so a message that is gone does no harm in it.
 * Drivers pass `searchIndexContract` of `mailserver/testing`.
 */
export interface SearchIndex {
  /** What is known of the mailbox; nothing when it was never indexed. */
  coverage(account: AccountId, mailbox: IndexedMailbox): Promise<Coverage>
  /** Those of the ids whose text is there, from whatever mailbox of the account. */
  known(account: AccountId, ids: readonly string[]): Promise<ReadonlySet<string>>
  /**
   * Takes a batch whole or not at all. One that begins where the index does not end, because something else filled it or
   * threw it away meanwhile, changes nothing.
   * @param after the `through` that the batch follows
   */
  index(account: AccountId, mailbox: IndexedMailbox, after: number, batch: IndexBatch): Promise<void>
  /** Lets go of every message of the mailbox that is not among these. */
  retain(account: AccountId, mailbox: IndexedMailbox, uids: Uint32Array): Promise<void>
  /** Lets go of every mailbox that is not among these. */
  retainMailboxes(account: AccountId, mailboxes: readonly MailboxId[]): Promise<void>
  /** Lets go of every account that is not among these. */
  retainAccounts(accounts: readonly AccountId[]): Promise<void>
  search(account: AccountId, mailbox: IndexedMailbox, queries: readonly SearchQuery[]): Promise<SearchAnswer>
  figures(account: AccountId): Promise<IndexFigures>
  /** Throws away what it has of the account. */
  clear(account: AccountId): Promise<void>
}

/** Absent when no plugin of the config indexes text: everything is read then. */
export const searchIndex = defineService<SearchIndex>('core:search-index')
