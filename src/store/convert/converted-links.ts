import { unlinkIn } from '../blob-links.ts'
import type { BlobRef } from '../blob-store.ts'
import { allBlobLinks, messageOwner, readBlobLink, readMessageOwner } from '../layout.ts'
import type { AccountId } from '../mail-store.ts'
import type { StoreContext } from '../store-context.ts'

/**
 * Messages that were moved into a mirror leave their bytes where they were, held by a link of their own, until the
 * operator removes them.
 */
const PREFIX = 'converted/'
const BATCH = 500

export const convertedOwner = (account: AccountId, mailbox: number, uid: number): string =>
  PREFIX + messageOwner(account, mailbox, uid)

export interface ConvertedBlob {
  readonly blob: BlobRef
  readonly owner: string
  readonly account: AccountId
  readonly mailbox: number
  readonly uid: number
}

export async function* convertedBlobs({ engine }: StoreContext): AsyncIterable<ConvertedBlob> {
  for await (const batch of engine.scan(allBlobLinks())) {
    for (const [at] of batch) {
      const { blob, owner } = readBlobLink(at)
      const message = owner.startsWith(PREFIX) ? readMessageOwner(owner.slice(PREFIX.length)) : undefined
      if (message !== undefined) yield { blob, owner, ...message }
    }
  }
}

/** Lets the originals go; their room is taken back as that of deleted messages is. Returns how many there were. */
export async function removeOriginals(context: StoreContext): Promise<number> {
  let removed = 0
  let part: ConvertedBlob[] = []
  const release = async () => {
    await context.engine.transact([], async (tx) => {
      for (const { blob, owner } of part) unlinkIn(tx, blob, owner, context.clock.now())
    })
    removed += part.length
    part = []
  }
  for await (const one of convertedBlobs(context)) if (part.push(one) === BATCH) await release()
  if (part.length > 0) await release()
  return removed
}
