import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { defineService } from '../kernel/service.ts'
import type { BlobStore } from './blob-store.ts'
import type { Engine } from './engine.ts'
import type { AccountId, MailboxEvent, MailboxId } from './mail-store.ts'
import type { MailboxMirror } from './mirror/mailbox-mirror.ts'

/** How much of each thing an account may have before it is an abuse. */
export interface StoreLimits {
  readonly mailboxes: number
  readonly subscriptions: number
  /** Commits whose changes are kept for `changesSince`. */
  readonly logEntries: number
  readonly logBytes: number
  /** How long a change is kept for a client that was away; the job looks after it. */
  readonly logAgeMs: number
  /** Messages that one transaction handles: what bounds its memory. */
  readonly batch: number
  /** The same where it holds their indexes as well. */
  readonly indexBatch: number
}

export const STORE_LIMITS: StoreLimits = {
  mailboxes: 20_000,
  subscriptions: 10_000,
  logEntries: 20_000,
  logBytes: 8 * 1024 * 1024,
  logAgeMs: 60 * 24 * 3_600_000,
  batch: 1_000,
  indexBatch: 250,
}

/** What every part of the mail store works with. */
export interface StoreContext {
  readonly engine: Engine
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly log: Log
  readonly limits: StoreLimits
  /** Keeps the mailboxes where other programs see them; absent nearly everywhere. */
  readonly mirror?: MailboxMirror | undefined
  /** What is written comes from the mirror, which has it already. */
  readonly isFromMirror?: boolean
  /** Told of every change that this process made, once it is committed. */
  readonly onChange: (account: AccountId, kind: MailboxEvent['kind'], mailbox: MailboxId | undefined) => void
}

/** For rooms that work on the store below the mailboxes: checks, backups, what is brought in and out. */
export const storeContext = defineService<StoreContext>('core:store-context')

/** A context of its parts; limits and `onChange` may be left out. */
export function createStoreContext(
  parts: Omit<StoreContext, 'limits' | 'onChange'> & Partial<StoreContext>,
): StoreContext {
  return { limits: STORE_LIMITS, onChange: () => {}, ...parts }
}
