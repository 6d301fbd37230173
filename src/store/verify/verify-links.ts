import { unlinkIn } from '../blob-links.ts'
import type { BlobRef } from '../blob-store.ts'
import type { Reader } from '../engine.ts'
import { allBlobLinks, blobLinkKey, MessageKeys, readBlobLink, readMessageOwner } from '../layout.ts'
import { decodeCopy } from '../records/copy-record.ts'
import type { Damages } from './damage.ts'
import { decoded } from './decoded.ts'
import { count, type VerifyContext } from './verify-context.ts'

/** Says which of these owners need their blob; undefined for those of another kind. */
export type OwnersCheck = (
  reader: Reader,
  links: readonly { readonly blob: BlobRef; readonly owner: string }[],
) => Promise<readonly (boolean | undefined)[]>

/** Links to blobs whose owner is gone: they hold room that nobody needs. */
export async function* verifyLinks(context: VerifyContext, otherOwners: OwnersCheck): Damages {
  const { reader, store, signal } = context
  for await (const batch of reader.scan(allBlobLinks())) {
    signal?.throwIfAborted()
    const links = batch.map(([at]) => readBlobLink(at))
    count(context, 'links', links.length)
    const needed = await ownersOf(reader, links, otherOwners)
    for (const [at, { blob, owner }] of links.entries()) {
      if (needed[at] !== false) continue
      yield {
        kind: 'link-orphan',
        text: `the bytes of ${blob} are held for ${owner}, which does not exist: their room is never taken back`,
        fix: () =>
          store.engine.transact([`blob-link:${blob}`], async (tx) => {
            if ((await tx.get(blobLinkKey(blob, owner))) === undefined) return undefined
            const [isNeeded] = await ownersOf(tx, [{ blob, owner }], otherOwners)
            if (isNeeded !== false) return undefined
            unlinkIn(tx, blob, owner, store.clock.now())
            return 'took the link away'
          }),
      }
    }
  }
}

async function ownersOf(
  reader: Reader,
  links: readonly { readonly blob: BlobRef; readonly owner: string }[],
  otherOwners: OwnersCheck,
): Promise<readonly (boolean | undefined)[]> {
  const messages = links.map(({ owner }) => readMessageOwner(owner))
  const copies = await reader.getMany(
    messages.map((one) => new MessageKeys('mail-copy', one?.account ?? NOBODY, one?.mailbox ?? 0).of(one?.uid ?? 0)),
  )
  const others = await otherOwners(reader, links)
  return links.map(({ blob }, at) =>
    messages[at] === undefined ? others[at] : decoded(copies[at], decodeCopy)?.blob === blob,
  )
}

const NOBODY = '' as never
