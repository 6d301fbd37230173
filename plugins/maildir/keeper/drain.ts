import type { BlobRef, MailboxId, MessageRecord, MirrorCommit, MirrorOperation } from 'mailserver'
import { isGone } from '../faults.ts'
import { syncDirectory } from '../files/disk.ts'
import { addToQuotaFile } from '../files/quota-file.ts'
import { parseMessageRef } from '../names/message-ref.ts'
import { addFolder, applyQuota, applySubscriptions, removeFolder, renameFolder } from './apply-folders.ts'
import { draftMessages, placeMessage, removeMessage, renameByFlags } from './apply-messages.ts'
import type { Estate } from './estate.ts'
import { readyCount } from './pending.ts'

/** Commits that are done and confirmed together: their syncs are shared. */
const COMMITS = 256

/**
 * Does what the commits of the account ask for, in their order, until none is left. Files are on disk under their names
 * before a commit is confirmed.
 * @param isRedo the server has just started: some may be done already
 * @param isStopped the rest is left to the next start
 * @returns false when another account must do something first
 */
export async function drain(estate: Estate, isRedo: boolean, isStopped: () => boolean): Promise<boolean> {
  const { mirrored } = estate.parts
  for (;;) {
    const waiting = await mirrored.commits(estate.account, COMMITS)
    if (waiting.length === 0 || isStopped()) return true
    const commits = waiting.slice(0, await readyCount(mirrored, estate.account, waiting))
    if (commits.length === 0) return false
    await applyAll(estate, commits, isRedo)
    await mirrored.confirm(estate.account, commits)
  }
}

async function applyAll(estate: Estate, commits: readonly MirrorCommit[], isRedo: boolean): Promise<void> {
  const operations = operationsOf(commits)
  if (isRedo) await listTargets(estate, operations)
  const drafts = await draftMessages(estate, operations)
  const records = await recordsOf(estate, operations)
  const touched = new Set<string>()
  const touch = (paths: readonly string[]) => {
    for (const path of paths) touched.add(path)
  }
  for (const operation of operations) {
    switch (operation.kind) {
      case 'added':
      case 'moved':
        touch(await placeMessage(estate, operation, drafts, records))
        break
      case 'removed':
        touch(await removeMessage(estate, operation.ref))
        break
      case 'flags':
        await renameByFlags(estate, operation)
        break
      case 'mailbox-added':
        await addFolder(estate, operation)
        break
      case 'mailbox-renamed':
        await renameFolder(estate, operation)
        break
      case 'mailbox-removed':
        await removeFolder(estate, operation)
        break
      case 'subscriptions':
        await applySubscriptions(estate)
        break
      case 'quota':
        await applyQuota(estate)
        break
    }
  }
  await Promise.all([...touched].map(syncIfThere))
  for (const folder of estate.folders.values()) await folder.writeUids()
  await countQuota(estate, operations)
}

/** Which of the messages are there is looked up once, so that none is put in place twice. */
async function listTargets(estate: Estate, operations: readonly MirrorOperation[]): Promise<void> {
  const mailboxes = new Set<MailboxId>()
  for (const one of operations) if (one.kind === 'added' || one.kind === 'moved') mailboxes.add(one.mailbox)
  for (const mailbox of mailboxes) {
    const folder = await estate.folder(mailbox)
    if (folder !== undefined) await folder.list()
  }
}

/** Records of the messages that come, by their refs: for their flags. */
async function recordsOf(
  estate: Estate,
  operations: readonly MirrorOperation[],
): Promise<ReadonlyMap<BlobRef, MessageRecord>> {
  const wanted = new Map<MailboxId, number[]>()
  for (const one of operations) {
    if (one.kind === 'added' || one.kind === 'moved')
      wanted.set(one.mailbox, [...(wanted.get(one.mailbox) ?? []), one.uid])
  }
  const found = new Map<BlobRef, MessageRecord>()
  for (const [mailbox, uids] of wanted) {
    for (const record of await estate.parts.mirrored.store.records(estate.account, mailbox, uids)) {
      found.set(record.blob, record)
    }
  }
  return found
}

/** Tells delivery agents that count by `maildirsize` what came and went. */
async function countQuota(estate: Estate, operations: readonly MirrorOperation[]): Promise<void> {
  let bytes = 0
  let messages = 0
  for (const one of operations) {
    if (one.kind !== 'added' && one.kind !== 'removed') continue
    const sign = one.kind === 'added' ? 1 : -1
    bytes += sign * (parseMessageRef(one.ref)?.size ?? 0)
    messages += sign
  }
  if (messages === 0 && bytes === 0) return
  const { maxBytes, maxMessages } = await estate.parts.mirrored.store.quota(estate.account)
  if (maxBytes === undefined && maxMessages === undefined) return
  if (!(await addToQuotaFile(estate.root, bytes, messages))) await applyQuota(estate)
}

async function syncIfThere(path: string): Promise<void> {
  try {
    await syncDirectory(path)
  } catch (cause) {
    // Removed with its folder.
    if (!isGone(cause)) throw cause
  }
}

const operationsOf = (commits: readonly MirrorCommit[]): MirrorOperation[] =>
  commits.flatMap(({ operations }) => operations)
