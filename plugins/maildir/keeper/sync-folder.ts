import { type AdoptedMessage, codeOf, type MailboxId, type MessageState } from 'mailserver'
import { fingerprint, isLocked } from '../files/disk.ts'
import { indexFile } from '../files/message-file.ts'
import { readUidList, type UidList, uidListOf } from '../files/uid-list.ts'
import { flagsOf, lettersOf } from '../names/flag-letters.ts'
import { formatMessageRef, isMessageRef, parseMessageRef } from '../names/message-ref.ts'
import { agreeUids, followList } from './agree-uids.ts'
import { renameByUids } from './apply-messages.ts'
import type { Estate } from './estate.ts'
import type { Folder, FolderFile } from './folder.ts'
import { takeLetters } from './take-letters.ts'

/** Messages that are read at a time, and taken in with one commit. */
const READ_AT_ONCE = 8
const BATCH = 250
const EXPUNGE_BATCH = 1_000
const LOCK_WAITS = 40
const LOCK_WAIT_MS = 50

/** What has been committed and not yet been done in the Maildir: the files do not tell of it. */
export interface Pending {
  /** UIDs by mailbox. */
  readonly uids: ReadonlyMap<MailboxId, ReadonlySet<number>>
  /** Keys of files that another account's copy or move still needs, or that are to be removed. */
  readonly keys: ReadonlySet<string>
  /** Mailboxes that something is on its way to. A message that is withheld is not. */
  readonly busy: ReadonlySet<MailboxId>
}

/**
 * Brings into the store what other programs have done in a folder. The files are right: what is new is taken in, what
 * is missing is expunged, flags are as the names say. Everything of ours that is on its way is left alone.
 * @param pending asked when something is about to change
 */
export async function syncFolder(estate: Estate, folder: Folder, pending: () => Promise<Pending>): Promise<void> {
  const before = String(await folder.times())
  folder.isUnsettled = false
  const known = folder.files
  const isFirst = folder.uids === undefined
  const found = await folder.look()
  const uids = folder.uids ?? (await storedUids(estate, folder, found, pending))
  const absent = [...uids].filter(([key]) => !found.has(key))
  // A file that is renamed while a directory is read may be left out: what is missing is looked for again.
  const missing = absent.length > 0 ? await reallyMissing(folder, absent, found) : []
  folder.files = found
  folder.isListed = true
  folder.uids = uids
  if (!isFirst) await takeFlags(estate, folder, known)
  if (missing.length > 0) await expungeMissing(estate, folder, missing, pending)
  const fresh = [...found.keys()].filter((key) => !uids.has(key))
  const isListChanged = isFirst || (await fingerprint(uidListOf(folder.path))) !== folder.listPrint
  if (isListChanged || fresh.length > 0) await adoptFresh(estate, folder, fresh, pending)
  await agreeUids(estate, folder)
  folder.listedAt = folder.isUnsettled ? '' : before
}

/** UIDs of the messages that the store has in this folder, by key; brings flags up to date on the way. */
async function storedUids(
  estate: Estate,
  folder: Folder,
  found: ReadonlyMap<string, FolderFile>,
  pending: () => Promise<Pending>,
): Promise<Map<string, number>> {
  const { store } = estate.parts.mirrored
  const uids = new Map<string, number>()
  const differing: { state: MessageState; file: FolderFile }[] = []
  const keywords = await folder.keywords.read()
  for await (const states of store.states(estate.account, folder.mailbox)) {
    for (let at = 0; at < states.length; at += EXPUNGE_BATCH) {
      const part = states.slice(at, at + EXPUNGE_BATCH)
      const records = await store.records(
        estate.account,
        folder.mailbox,
        part.map(({ uid }) => uid),
      )
      for (const record of records) {
        const key = parseMessageRef(record.blob)?.key
        // What is still in the store's own blobs is none of the folder's business.
        if (key === undefined || !isMessageRef(record.blob)) continue
        uids.set(key, record.uid)
        const file = found.get(key)
        if (file !== undefined && lettersOf(record.flags, keywords, file.letters) !== file.letters) {
          differing.push({ state: record, file })
        }
      }
    }
  }
  const { uids: waiting, keys } = await pending()
  const busy = waiting.get(folder.mailbox)
  for (const { state, file } of differing) {
    if (!busy?.has(state.uid))
      await takeLetters(estate, folder, [state.uid], { last: lettersOf(state.flags, keywords), next: file.letters })
  }
  for (const [key, uid] of uids) if (!found.has(key) && (busy?.has(uid) || keys.has(key))) uids.delete(key)
  return uids
}

async function reallyMissing(
  folder: Folder,
  missing: readonly [string, number][],
  found: Map<string, FolderFile>,
): Promise<[string, number][]> {
  const again = await folder.look()
  const gone: [string, number][] = []
  for (const [key, uid] of missing) {
    const file = again.get(key)
    if (file === undefined) gone.push([key, uid])
    else found.set(key, file)
  }
  return gone
}

/** Flags that other programs have changed since we last looked. */
async function takeFlags(estate: Estate, folder: Folder, known: ReadonlyMap<string, FolderFile>): Promise<void> {
  const groups = new Map<string, { uids: number[]; last: string; next: string }>()
  for (const [key, file] of folder.files) {
    const before = known.get(key)
    const uid = folder.uids?.get(key)
    if (before === undefined || uid === undefined || before.letters === file.letters) continue
    const change = `${before.letters} ${file.letters}`
    const group = groups.get(change) ?? { uids: [], last: before.letters, next: file.letters }
    group.uids.push(uid)
    groups.set(change, group)
  }
  for (const { uids, last, next } of groups.values()) await takeLetters(estate, folder, uids, { last, next })
}

async function expungeMissing(
  estate: Estate,
  folder: Folder,
  missing: readonly (readonly [string, number])[],
  pending: () => Promise<Pending>,
): Promise<void> {
  const { uids: waiting, keys } = await pending()
  const busy = waiting.get(folder.mailbox)
  const gone = missing.filter(([key, uid]) => !busy?.has(uid) && !keys.has(key))
  const { store } = estate.parts.mirrored
  for (let at = 0; at < gone.length; at += EXPUNGE_BATCH) {
    const part = gone.slice(at, at + EXPUNGE_BATCH)
    await store.expunge(
      estate.account,
      folder.mailbox,
      part.map(([, uid]) => uid),
    )
  }
  for (const [key] of gone) folder.uids?.delete(key)
  // What is on its way is looked at again once it has come.
  if (gone.length < missing.length) folder.isUnsettled = true
}

async function adoptFresh(
  estate: Estate,
  folder: Folder,
  keys: readonly string[],
  pending: () => Promise<Pending>,
): Promise<void> {
  const { mirrored } = estate.parts
  await untilUnlocked(uidListOf(folder.path))
  const print = await fingerprint(uidListOf(folder.path))
  const list = await readUidList(folder.path)
  const mailbox = (await mirrored.store.mailboxes(estate.account)).find(({ id }) => id === folder.mailbox)
  if (mailbox === undefined) return
  if (list === undefined) folder.isListStale = true
  else if (list.uidValidity !== mailbox.uidValidity || folder.listPrint === undefined) {
    const taken = await mirrored.setUidValidity(estate.account, mailbox.name, list.uidValidity, 1)
    if (taken !== list.uidValidity) folder.isListStale = true
    noteDifferences(folder, list)
  }
  const isNews = print !== folder.listPrint
  folder.sawList(print, list?.uidNext ?? 1)
  if (isNews && list !== undefined && !folder.isListStale && folder.uids !== undefined) {
    const renumbered = await followList(estate, folder, folder.uids, list)
    await renameByUids(estate, folder, renumbered)
    noteDifferences(folder, list)
  }
  const { keys: reserved } = await pending()
  const wanted = keys.filter((key) => !reserved.has(key))
  const all = wanted.map((key) => ({ key, uid: list?.uids.get(key), file: folder.files.get(key) as FolderFile }))
  const [listed, others] = [all.filter(({ uid }) => uid !== undefined), all.filter(({ uid }) => uid === undefined)]
  await adoptAll(
    estate,
    folder,
    listed.sort((a, b) => (a.uid ?? 0) - (b.uid ?? 0)),
  )
  // UIDs that the other program has given and taken away again never come a second time.
  if (list !== undefined && !folder.isListStale) {
    await mirrored.setUidValidity(estate.account, mailbox.name, list.uidValidity, list.uidNext)
  }
  await adoptAll(
    estate,
    folder,
    others.sort((a, b) => compare(a.file.name, b.file.name)),
  )
}

async function adoptAll(estate: Estate, folder: Folder, fresh: readonly Fresh[]): Promise<void> {
  for (let at = 0; at < fresh.length; at += BATCH) await adoptBatch(estate, folder, fresh.slice(at, at + BATCH))
}

interface Fresh {
  readonly key: string
  readonly uid: number | undefined
  readonly file: FolderFile
}

async function adoptBatch(estate: Estate, folder: Folder, batch: readonly Fresh[]): Promise<void> {
  const messages = new Map<number, AdoptedMessage>()
  const keywords = await folder.keywords.read()
  let next = 0
  const work = async () => {
    for (let at = next++; at < batch.length; at = next++) {
      const { key, uid, file } = batch[at] as Fresh
      try {
        const { index, mtime } = await indexFile(folder.pathOf(file))
        const ref = formatMessageRef({ account: estate.account, mailbox: folder.mailbox, size: index.size, key })
        messages.set(at, { ref, uid, index, flags: flagsOf(file.letters, keywords), internalDate: mtime })
      } catch (error) {
        // Gone or renamed again: the next look finds it. One that cannot be read is left out, and said.
        folder.files.delete(key)
        if (codeOf(error) !== 'NOT_FOUND') {
          estate.parts.log.warn(
            { account: estate.account, file: folder.pathOf(file), err: error },
            'a message of the Maildir cannot be read',
          )
        }
      }
    }
  }
  await Promise.all(Array.from({ length: READ_AT_ONCE }, work))
  const order = [...messages.keys()].sort((a, b) => a - b)
  const taken = await estate.parts.mirrored.adopt(
    estate.account,
    folder.mailbox,
    order.map((at) => messages.get(at) as AdoptedMessage),
  )
  order.forEach((at, each) => {
    const { key, uid: wanted, file } = batch[at] as Fresh
    const uid = taken[each] as number
    folder.uids?.set(key, uid)
    if (wanted === undefined) folder.noteUid(uid, file.stem)
    else if (wanted !== uid) folder.isListStale = true
  })
  // One that is to be written anew is written once, when all are here.
  if (!folder.isListStale) await agreeUids(estate, folder)
}

/** The list says another UID for a message that the store has: the store's stays, and the list is written anew. */
function noteDifferences(folder: Folder, list: UidList): void {
  let garbage = 0
  for (const [key, uid] of list.uids) {
    const ours = folder.uids?.get(key)
    if (ours !== undefined && ours !== uid) folder.isListStale = true
    if (!folder.files.has(key)) garbage += 1
  }
  for (const key of folder.uids?.keys() ?? []) if (!list.uids.has(key)) folder.isListStale = true
  if (garbage > 100 && garbage > list.uids.size / 4) folder.isListStale = true
}

/** Dovecot puts a message in place before it has written its UID; it holds the lock until then. */
async function untilUnlocked(path: string): Promise<void> {
  for (let wait = 0; wait < LOCK_WAITS && (await isLocked(path)); wait++) {
    await new Promise((resolve) => setTimeout(resolve, LOCK_WAIT_MS))
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
