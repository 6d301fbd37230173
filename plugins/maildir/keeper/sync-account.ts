import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, type Mailbox, type MailboxId } from 'mailserver'
import { isGone } from '../faults.ts'
import { exists, fingerprint, isDirectoryWithin, namesIn } from '../files/disk.ts'
import { readUidList, uidListOf } from '../files/uid-list.ts'
import { storedFolders, storeFolder } from '../layout.ts'
import { INBOX, mailboxOf } from '../names/folder-name.ts'
import { isMessageRef } from '../names/message-ref.ts'
import { addFolder, readInSubscriptions } from './apply-folders.ts'
import type { Estate } from './estate.ts'
import type { Folder } from './folder.ts'
import { type Pending, syncFolder } from './sync-folder.ts'

/** Folders of one account that are looked at; what is beyond is an abuse. */
const MAX_FOLDERS = 5_000
/** How long a program may take to make a folder, from its directory to the ones within. */
const MAKING_MS = 5_000

/**
 * Brings into the store what other programs have done in an account's Maildir: folders first, then their messages.
 * @param isChanged only folders whose directories have changed since they were last looked at
 */
export async function syncAccount(
  estate: Estate,
  pending: () => Promise<Pending>,
  { onlyChanged = false, signal }: { readonly onlyChanged?: boolean; readonly signal?: AbortSignal } = {},
): Promise<void> {
  // A disk that is not mounted looks like an empty Maildir: nothing is believed of it.
  if (!(await exists(join(estate.root, 'cur')))) {
    estate.parts.log.error(
      { account: estate.account, path: estate.root },
      'a Maildir is not there: its mail waits in the store',
    )
    return
  }
  // It is being restored: its folders are there, and its mailboxes get their names when all of its mail is.
  if (!(await estate.parts.mirrored.store.mailboxes(estate.account)).some(({ name }) => name === INBOX)) return
  await syncFolders(estate, pending)
  for (const { id } of await estate.parts.mirrored.store.mailboxes(estate.account)) {
    signal?.throwIfAborted()
    const folder = await estate.folder(id)
    if (folder === undefined) continue
    if (onlyChanged && (await isAtRest(folder))) continue
    if (!(await isDirectoryWithin(folder.path, estate.root))) continue
    try {
      await syncFolder(estate, folder, pending)
    } catch (cause) {
      // A session has deleted it in this moment.
      if (codeOf(cause) !== 'MAILBOX_NOT_FOUND') throw cause
    }
  }
  await readInSubscriptions(estate)
}

/** Three questions to the system for a folder at rest: they are asked of every account in use, again and again. */
async function isAtRest(folder: Folder): Promise<boolean> {
  if (folder.uids === undefined || folder.isListStale) return false
  return (
    String(await folder.times()) === folder.listedAt && (await fingerprint(uidListOf(folder.path))) === folder.listPrint
  )
}

async function syncFolders(estate: Estate, pending: () => Promise<Pending>): Promise<void> {
  const { parts, account } = estate
  const mailboxes = await parts.mirrored.store.mailboxes(account)
  const stored = await storedFolders(parts.engine, account)
  const directories = new Map<string, Mailbox>()
  for (const mailbox of mailboxes) {
    const directory = mailbox.name === INBOX ? '' : stored.get(mailbox.id)
    if (directory === undefined) continue
    directories.set(directory, mailbox)
  }
  await missingFolders(estate, directories, pending)
  await newFolders(estate, mailboxes, directories, async () => {
    const { busy } = await pending()
    return new Set([...stored].filter(([id]) => busy.has(id)).map(([, directory]) => directory))
  })
  await parts.mirrored.store.mailbox(account, INBOX).then(({ id }) => {
    if (!stored.has(id)) return storeFolder(parts.engine, account, id, '')
  })
}

async function newFolders(
  estate: Estate,
  mailboxes: readonly Mailbox[],
  directories: ReadonlyMap<string, Mailbox>,
  busyDirectories: () => Promise<ReadonlySet<string>>,
): Promise<void> {
  const { parts, account, root } = estate
  const names = new Map(mailboxes.map((mailbox) => [mailbox.name, mailbox]))
  const found = (await namesIn(root)).filter((name) => name.startsWith('.') && !directories.has(name)).sort()
  estate.isUnsettled = false
  // That of a mailbox which was just deleted is still there, and not new.
  const busy = found.length > 0 ? await busyDirectories() : new Set()
  for (const directory of found.slice(0, MAX_FOLDERS)) {
    if (busy.has(directory)) continue
    const name = mailboxOf(directory)
    const path = join(root, directory)
    if (name === undefined) continue
    if (!(await exists(join(path, 'cur')))) {
      if (await isYoung(path)) estate.isUnsettled = true
      continue
    }
    if (!(await isDirectoryWithin(path, root)) || !(await isDirectoryWithin(join(path, 'cur'), root))) {
      parts.log.warn({ account, path }, 'a folder leads out of its Maildir and is left alone')
      continue
    }
    try {
      const list = await readUidList(path)
      const known = names.get(name)
      // Another directory has the name already.
      if (known !== undefined && [...directories.values()].includes(known)) {
        parts.log.warn({ account, path, mailbox: name }, 'two folders have one name, and this one is left alone')
        continue
      }
      const mailbox = known ?? (await parts.mirrored.createMailbox(account, name, { uidValidity: list?.uidValidity }))
      await storeFolder(parts.engine, account, mailbox.id, directory)
      estate.adopt(mailbox.id, directory)
    } catch (error) {
      if (codeOf(error) === 'UNAVAILABLE' || codeOf(error) === 'STORE_FULL') throw error
      parts.log.warn({ account, path, err: error }, 'a folder cannot be a mailbox and is left alone')
    }
  }
}

/** Was it made just now? */
async function isYoung(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs < MAKING_MS
  } catch (cause) {
    if (isGone(cause)) return false
    throw cause
  }
}

/** A folder that we have seen and that is not there any more was removed, and its mailbox with it. */
async function missingFolders(
  estate: Estate,
  directories: ReadonlyMap<string, Mailbox>,
  pending: () => Promise<Pending>,
): Promise<void> {
  const { parts, account, root } = estate
  for (const [directory, { id, name }] of directories) {
    if (directory === '' || (await exists(join(root, directory)))) continue
    if ((await pending()).busy.has(id)) continue
    if (await hasUnwritten(estate, id)) {
      await addFolder(estate, { kind: 'mailbox-added', mailbox: id, name })
      continue
    }
    parts.log.info({ account, mailbox: name }, 'another program has removed a folder')
    try {
      await parts.mirrored.store.deleteMailbox(account, name)
    } catch (error) {
      if (codeOf(error) !== 'MAILBOX_NOT_FOUND') throw error
    }
    await storeFolder(parts.engine, account, id, undefined)
    estate.folders.delete(id)
  }
}

/** Messages that never were in the folder are not lost with it. */
async function hasUnwritten({ parts, account }: Estate, mailbox: MailboxId): Promise<boolean> {
  const { store } = parts.mirrored
  for (const { operation } of parts.withheld.of(account).values()) if (operation.mailbox === mailbox) return true
  for await (const states of store.states(account, mailbox)) {
    const records = await store.records(
      account,
      mailbox,
      states.map(({ uid }) => uid),
    )
    if (records.some(({ blob }) => !isMessageRef(blob))) return true
  }
  return false
}
