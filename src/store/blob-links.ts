import type { BlobRef } from './blob-store.ts'
import type { Transaction } from './engine.ts'
import { blobDeadKey, blobLinkKey } from './layout.ts'

/**
 * Who needs a blob. Each owner (a message in a mailbox, a queued message) has a link of its own, written and removed
 * in the owner's own commit.
 *
 * Every removal leaves a mark, not only that of the last link: two accounts that let go at the same moment hold
 * different scopes, so neither sees the other's link gone, and a rule of "the last one marks" would leak the blob.
 * The collector looks at marks that are old enough and releases those blobs that have no link by then.
 */
const NOTHING = Buffer.alloc(0)

/** Keeps the blob for as long as the owner needs it. @param owner free text, e.g. `queue/<message>`; unique for the blob */
export function linkIn(tx: Transaction, blob: BlobRef, owner: string): void {
  tx.put(blobLinkKey(blob, owner), NOTHING)
}

/**
 * The owner does not need the blob any more. Safe to repeat. Never release a linked blob directly.
 * @param at now, milliseconds since the epoch: the grace time of the collector counts from here
 */
export function unlinkIn(tx: Transaction, blob: BlobRef, owner: string, at: number): void {
  tx.delete(blobLinkKey(blob, owner))
  tx.put(blobDeadKey(at, blob), NOTHING)
}

/** Hands a blob from one owner to another: it is needed at every moment, so it leaves no mark. */
export function relinkIn(tx: Transaction, blob: BlobRef, from: string, to: string): void {
  tx.delete(blobLinkKey(blob, from))
  tx.put(blobLinkKey(blob, to), NOTHING)
}
