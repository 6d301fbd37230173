import type { AccountId, BlobRef, MailboxId, MirrorCommit, MirroredMailboxes } from 'mailserver'
import { parseMessageRef } from '../names/message-ref.ts'
import type { Pending } from './sync-folder.ts'
import type { WithheldMessages } from './withheld.ts'

/** What commits that are not done yet speak of, of this account and, where they need its files, of others. */
export async function pendingOf(
  mirrored: MirroredMailboxes,
  account: AccountId,
  withheld: WithheldMessages,
): Promise<Pending> {
  const uids = new Map<MailboxId, Set<number>>()
  const busy = new Set<MailboxId>()
  const keys = new Set<string>()
  const note = (mailbox: MailboxId, uid?: number) => {
    const noted = uids.get(mailbox) ?? new Set()
    if (uid !== undefined) noted.add(uid)
    uids.set(mailbox, noted)
  }
  const noteKey = (ref: BlobRef) => {
    const message = parseMessageRef(ref)
    if (message?.account === account) keys.add(message.key)
  }
  for (const other of await mirrored.waiting()) {
    for (const { operations } of await mirrored.commits(other)) {
      for (const one of operations) {
        if ('source' in one) noteKey(one.source)
        if (other !== account) continue
        if ('ref' in one) noteKey(one.ref)
        if ('mailbox' in one && !('ref' in one && withheld.get(one.ref) !== undefined)) busy.add(one.mailbox)
        if ('uid' in one) note(one.mailbox, one.uid)
        else if (one.kind === 'flags') {
          for (const [first, last] of one.ranges) for (let uid = first; uid <= last; uid++) note(one.mailbox, uid)
        } else if ('mailbox' in one) note(one.mailbox)
      }
    }
  }
  return { uids, keys, busy }
}

/**
 * How many of the commits can be done before another account must do something. Messages are copied and moved between
 * accounts, each of which does its own in its own order: what is copied must be there, and must not go before. A commit
 * waits for earlier ones alone, so two accounts never wait for each other.
 */
export async function readyCount(
  mirrored: MirroredMailboxes,
  account: AccountId,
  commits: readonly MirrorCommit[],
  withheld: WithheldMessages,
): Promise<number> {
  const isConcerned = commits.some(({ operations }) =>
    operations.some((one) => one.kind === 'removed' || ('source' in one && isForeign(one.source, account))),
  )
  if (!isConcerned) return commits.length
  const [copied, coming] = [new Set<BlobRef>(), new Set<BlobRef>()]
  for (const other of await mirrored.waiting()) {
    if (other === account) continue
    for (const { operations } of await mirrored.commits(other)) {
      for (const one of operations) {
        if (!('source' in one)) continue
        copied.add(one.source)
        // One that is withheld does not come: who copies it is withheld as well.
        if (withheld.get(one.ref) === undefined) coming.add(one.ref)
      }
    }
  }
  const first = commits.findIndex(({ operations }) =>
    operations.some((one) =>
      one.kind === 'removed' ? copied.has(one.ref) : 'source' in one && coming.has(one.source),
    ),
  )
  return first === -1 ? commits.length : first
}

function isForeign(ref: BlobRef, account: AccountId): boolean {
  const message = parseMessageRef(ref)
  return message !== undefined && message.account !== account
}
