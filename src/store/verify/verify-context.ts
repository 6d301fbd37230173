import type { BlobRef } from '../blob-store.ts'
import type { Reader } from '../engine.ts'
import type { AccountId, MailStore } from '../mail-store.ts'
import type { Watched } from '../progress.ts'
import type { StoreContext } from '../store-context.ts'

export interface VerifyOptions extends Watched {
  /** One account alone; all, and what belongs to none, when left out. */
  readonly account?: AccountId | undefined
  /** Read every blob through; true when left out. */
  readonly blobs?: boolean | undefined
  /** Mailbox that messages with damaged bytes are moved to by a repair; they stay where they are when left out. */
  readonly moveDamagedTo?: string | undefined
}

/** What every check works with. */
export interface VerifyContext extends VerifyOptions {
  readonly store: StoreContext
  readonly mail: MailStore
  /** The store as it was when the check began. */
  readonly reader: Reader
  /** Blobs that were read through, with their size or what is wrong: a message to a hundred is read once. */
  readonly read: Map<BlobRef, number | Error>
  /** Records that were looked at, by what they are. */
  readonly seen: Record<string, number>
}

export function count({ seen }: VerifyContext, what: string, more = 1): void {
  seen[what] = (seen[what] ?? 0) + more
}
