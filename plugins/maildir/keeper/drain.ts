import {
  type BlobRef,
  codeOf,
  type MailboxId,
  type MessageRecord,
  type MirrorCommit,
  type MirrorLoad,
  type MirrorOperation,
  mirrorLoadOf,
} from 'mailserver'
import { isFull, isGone } from '../faults.ts'
import { exists, isDirectoryWithin, makeMaildir, syncDirectory } from '../files/disk.ts'
import { addToQuotaFile } from '../files/quota-file.ts'
import { parseMessageRef } from '../names/message-ref.ts'
import { agreeUids } from './agree-uids.ts'
import { addFolder, applyQuota, applySubscriptions, removeFolder, renameFolder } from './apply-folders.ts'
import {
  type Arriving,
  type Draft,
  draftMessages,
  placeMessage,
  removeMessage,
  renameByFlags,
} from './apply-messages.ts'
import type { Estate } from './estate.ts'
import { readyCount } from './pending.ts'
import { arrivingFolders, runsOf, underLocks } from './runs.ts'
import { Withholding } from './withheld.ts'

/** Commits that are done and confirmed together: their syncs are shared. */
const COMMITS = 256
/** Octets of their messages: so much more room is taken until the first has its name. One larger message is done alone. */
const BYTES = 64 * 1024 * 1024
/** Directories that are synced at the same time. */
const SYNCS_AT_ONCE = 8

interface Draining {
  /** Some may be done already, or half: the server has just started, or the last try has failed. */
  readonly isRedo: boolean
  /** Goes on until nothing is left; else what came meanwhile waits for others to come, and shares their syncs. */
  readonly isWhole: boolean
  /** The rest is left to the next start. */
  readonly isStopped: () => boolean
  readonly onWritten: (load: MirrorLoad) => void
}

/**
 * Does what the commits of the account ask for, in their order, until none is left. Files are on disk under their names
 * before a commit is confirmed.
 * @returns `blocked` when another account must do something first, `partly` when more may have come
 */
export async function drain(
  estate: Estate,
  { isRedo, isWhole, isStopped, onWritten }: Draining,
): Promise<'done' | 'blocked' | 'partly'> {
  const { mirrored, withheld } = estate.parts
  let isAgain = isRedo
  for (let limit = COMMITS; ; ) {
    const waiting = await mirrored.commits(estate.account, limit, estate.doneUntil)
    if (waiting.length === 0 || isStopped()) return 'done'
    const ready = await readyCount(mirrored, estate.account, waiting, withheld)
    const commits = waiting.slice(0, Math.min(fitting(waiting), ready))
    if (commits.length === 0) return 'blocked'
    const withholding = new Withholding(withheld, estate.account)
    try {
      if (!(await applyAll(estate, commits, withholding, { isRedo: isAgain, isStopped }))) return 'done'
    } catch (cause) {
      // Where not all have room, some may.
      if (commits.length === 1 || !isFull(cause)) throw cause
      estate.parts.log.warn(
        { account: estate.account, path: estate.root, err: cause },
        'a Maildir has no room for all that waits at once',
      )
      limit = Math.ceil(commits.length / 4)
      isAgain = true
      continue
    }
    const { done, kept } = withholding.settled(commits)
    await mirrored.confirm(estate.account, done, kept)
    withheld.set(estate.account, withholding.messages)
    estate.doneUntil = withholding.messages.size === 0 ? undefined : commits.at(-1)?.modSeq
    onWritten(mirrorLoadOf(operationsOf(commits)))
    if (!isWhole && commits.length === waiting.length && commits.length < limit) return 'partly'
  }
}

/** How many of the commits are done together; one at least. */
function fitting(commits: readonly MirrorCommit[]): number {
  let bytes = 0
  const first = commits.findIndex(({ operations }) => {
    for (const one of operations) if (one.kind === 'added') bytes += parseMessageRef(one.ref)?.size ?? 0
    return bytes > BYTES
  })
  return first === -1 ? commits.length : Math.max(1, first)
}

/** @returns false when it was stopped on the way: what it has not done, and what it has, is done by the next keeper */
async function applyAll(
  estate: Estate,
  commits: readonly MirrorCommit[],
  withholding: Withholding,
  { isRedo, isStopped }: Pick<Draining, 'isRedo' | 'isStopped'>,
): Promise<boolean> {
  const operations = operationsOf(commits)
  const touched = new Set<string>(isRedo ? await beginAgain(estate, operations) : [])
  const { files, unreadable } = await draftMessages(estate, operations, (ref) => withholding.holds(ref), isRedo)
  const records = await recordsOf(estate, operations)
  const applied: MirrorOperation[] = []
  for (const run of runsOf(commits)) {
    if (isStopped()) return false
    const isDone = await underLocks(await arrivingFolders(estate, run), async () => {
      for (const { modSeq, operation } of run) {
        if (isStopped()) return false
        if ('ref' in operation && unreadable.has(operation.ref)) {
          withhold(estate, withholding, operation as Arriving, modSeq, unreadable.get(operation.ref))
        } else if (!withholding.follow(operation, modSeq)) {
          applied.push(operation)
          for (const path of await apply(estate, operation, files, records)) touched.add(path)
        }
      }
      await settleNames(estate, touched)
      touched.clear()
      return true
    })
    if (!isDone) return false
  }
  await countQuota(estate, applied, isRedo)
  return !isStopped()
}

/** A message whose octets are damaged in the store is told of, once, and holds up nobody. */
function withhold(
  { parts, account }: Estate,
  withholding: Withholding,
  operation: Arriving,
  modSeq: bigint,
  err: unknown,
): void {
  withholding.withhold(operation, modSeq)
  if (!parts.withheld.isNews(operation.ref)) return
  const { mailbox, uid, source: blob } = operation
  parts.log.error(
    { account, mailbox, uid, blob, code: codeOf(err), err },
    'the bytes of a message cannot be read in the store: it has no file in its Maildir until they can',
  )
}

/** What was done has its names, and its UIDs in the lists, on disk. */
async function settleNames(estate: Estate, touched: ReadonlySet<string>): Promise<void> {
  await syncAll([...touched])
  for (const folder of estate.folders.values()) {
    await agreeUids(estate, folder)
  }
}

/** @returns the directories whose names have changed */
async function apply(
  estate: Estate,
  operation: MirrorOperation,
  drafts: ReadonlyMap<BlobRef, Draft>,
  records: ReadonlyMap<BlobRef, MessageRecord>,
): Promise<readonly string[]> {
  switch (operation.kind) {
    case 'added':
    case 'moved':
      return placeMessage(estate, operation, drafts, records)
    case 'removed':
      return removeMessage(estate, operation.ref)
    case 'flags':
      return renameByFlags(estate, operation)
    case 'mailbox-added':
      await addFolder(estate, operation)
      return []
    case 'mailbox-renamed':
      await renameFolder(estate, operation)
      return []
    case 'mailbox-removed':
      await removeFolder(estate, operation)
      return []
    case 'subscriptions':
      await applySubscriptions(estate)
      return []
    case 'quota':
      await applyQuota(estate)
      return []
  }
}

/**
 * Which of the messages are there is looked up once, so that none is put in place twice.
 * @returns all directories that were worked on: what was done in them may not be on disk
 */
async function beginAgain(estate: Estate, operations: readonly MirrorOperation[]): Promise<readonly string[]> {
  const mailboxes = new Set<MailboxId>()
  for (const one of operations) {
    if ('mailbox' in one) mailboxes.add(one.mailbox)
    const source = 'source' in one ? parseMessageRef(one.source) : undefined
    if (source?.account === estate.account) mailboxes.add(source.mailbox)
  }
  const touched = [estate.root]
  for (const mailbox of mailboxes) {
    const folder = await estate.folder(mailbox)
    if (folder === undefined || !(await exists(folder.path))) continue
    // A tool that keeps files alone, such as git, has left out the directories that were empty.
    if (await isDirectoryWithin(folder.path, estate.root)) await makeMaildir(folder.path, folder.directory !== '')
    await folder.beginAgain()
    touched.push(...folder.places)
  }
  return touched
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
async function countQuota(estate: Estate, operations: readonly MirrorOperation[], isRedo: boolean): Promise<void> {
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
  if (isRedo || !(await addToQuotaFile(estate.root, bytes, messages))) await applyQuota(estate)
}

async function syncAll(paths: readonly string[]): Promise<void> {
  for (let at = 0; at < paths.length; at += SYNCS_AT_ONCE) {
    await Promise.all(paths.slice(at, at + SYNCS_AT_ONCE).map(syncIfThere))
  }
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
