import type { BlobRef } from 'mailserver'
import { isReadable } from '../files/message-file.ts'
import type { Estate } from './estate.ts'
import { Withholding } from './withheld.ts'

/**
 * Looks at the messages of an account that are withheld: those that can be read again are written by the next drain, and
 * those that are gone from the store are waited for no more.
 */
export async function reviewWithheld(estate: Estate, isStopped: () => boolean): Promise<void> {
  const { account, parts } = estate
  await dropGone(estate)
  const readable = new Set<BlobRef>()
  for (const [ref, { operation }] of parts.withheld.of(account)) {
    if (isStopped()) return
    if (await isReadable(parts.blobs, operation.source)) readable.add(ref)
  }
  if (readable.size === 0) return
  parts.withheld.retry(account, readable)
  // They are in commits that the drain has passed by.
  estate.doneUntil = undefined
}

async function dropGone({ account, parts }: Estate): Promise<void> {
  const { mirrored, withheld } = parts
  const gone: BlobRef[] = []
  for (const [ref, { operation }] of withheld.of(account)) {
    const { mailbox, uid } = operation
    const [record] = await mirrored.store.records(account, mailbox, [uid])
    if (record?.blob !== ref) gone.push(ref)
  }
  if (gone.length === 0) return
  // Moved or copied before it went: what that commit asks for is done first.
  const needed = new Set<BlobRef>()
  for (const other of await mirrored.waiting()) {
    for (const { operations } of await mirrored.commits(other)) {
      for (const one of operations) {
        if ('source' in one) needed.add(one.source)
        else if (one.kind === 'removed') needed.add(one.ref)
      }
    }
  }
  const withholding = new Withholding(withheld, account)
  for (const ref of gone) if (!needed.has(ref)) withholding.drop(ref)
  const { done, kept } = withholding.settled([])
  if (done.length === 0) return
  await mirrored.confirm(account, done, kept)
  withheld.set(account, withholding.messages)
}
