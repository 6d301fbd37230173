import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, type Mailbox, type MailboxId, MailError, type MirrorOperation } from 'mailserver'
import { exists, isDirectoryWithin, makeMaildir, namesIn, removeFile, syncDirectory } from '../files/disk.ts'
import { writeQuotaFile } from '../files/quota-file.ts'
import { readSubscriptions, subscriptionsPrint, writeSubscriptions } from '../files/subscription-list.ts'
import { uidListOf, writeUidList } from '../files/uid-list.ts'
import { storedFolder, storedFolders, storeFolder, storePath } from '../layout.ts'
import { directoriesFor } from '../names/folder-name.ts'
import type { Estate } from './estate.ts'

type Named = Extract<MirrorOperation, { name: string }>

/** What a Maildir holds beside messages; it goes with the account. */
const LISTS = /^(?:dovecot[-.]|courierimap|subscriptions|maildirsize|maildirfolder)/

export async function addFolder(estate: Estate, { mailbox, name }: Named): Promise<void> {
  const { engine } = estate.parts
  const stored = await storedFolder(engine, estate.account, mailbox)
  const directory = stored ?? (await directoryFor(estate, mailbox, name))
  // Before it is made: what a power failure leaves of it is this mailbox's, whatever that is called by then.
  if (stored === undefined) await storeFolder(engine, estate.account, mailbox, directory, true)
  await makeFolder(estate, mailbox, directory)
}

async function makeFolder(estate: Estate, mailbox: MailboxId, directory: string): Promise<void> {
  const path = join(estate.root, directory)
  await makeMaildir(path, directory !== '')
  const known = estate.folders.get(mailbox)
  const folder = known?.directory === directory ? known : estate.adopt(mailbox, directory)
  const found = await mailboxOf(estate, mailbox)
  if (found === undefined || (await exists(uidListOf(path)))) return
  const { uidNext } = await estate.parts.mirrored.store.status(estate.account, mailbox)
  const isNew = (await namesIn(join(path, 'cur'))).length === 0 && (await namesIn(join(path, 'new'))).length === 0
  if (isNew && !(await exists(join(path, 'courierimapuiddb')))) {
    await writeUidList(path, { uidValidity: found.uidValidity, uidNext }, [])
    folder.isListed = true
  }
}

/** A directory that the mailbox can have: no other has it, and no file or link that leads elsewhere is in its place. */
async function directoryFor(estate: Estate, mailbox: MailboxId, name: string): Promise<string> {
  const { account, parts, root } = estate
  const others = [...(await storedFolders(parts.engine, account))].filter(([id]) => id !== mailbox)
  const taken = new Set(others.map(([, directory]) => directory))
  for (const directory of directoriesFor(name)) {
    const path = join(root, directory)
    if (taken.has(directory)) continue
    if (!(await exists(path)) || (await isDirectoryWithin(path, root))) return directory
    parts.log.warn(
      { account, mailbox: name, path },
      'what is in the place of a folder is no directory of its Maildir: the folder gets another name',
    )
  }
  throw new MailError('UNAVAILABLE', `the mailbox ${name} can have no directory in ${root}`)
}

/** Mailboxes from before there were Maildirs get their folders, and the lists that belong to them. */
export async function addMissingFolders(estate: Estate): Promise<void> {
  const { account } = estate
  const { engine } = estate.parts
  const missing = await missingMailboxes(estate)
  for (const { id, name } of missing) {
    const directory = await directoryFor(estate, id, name)
    await makeFolder(estate, id, directory)
    // Once it is there: a folder that is remembered, and that no commit waits for, was removed by another program.
    await storeFolder(engine, account, id, directory)
  }
  // The list is written last: without it an earlier try did not come to its end.
  if (missing.length === 0 && (await subscriptionsPrint(estate.root)) !== '') return
  await applyQuota(estate)
  await applySubscriptions(estate)
}

/** Mailboxes without a folder, but for those that are to get theirs, under the name that they had then. */
async function missingMailboxes({ account, parts }: Estate): Promise<readonly Mailbox[]> {
  const stored = await storedFolders(parts.engine, account)
  const without = (await parts.mirrored.store.mailboxes(account)).filter(({ id }) => !stored.has(id))
  if (without.length === 0) return without
  const coming = new Set<MailboxId>()
  for (const { operations } of await parts.mirrored.commits(account)) {
    for (const one of operations) if (one.kind === 'mailbox-added') coming.add(one.mailbox)
  }
  return without.filter(({ id }) => !coming.has(id))
}

export async function renameFolder(estate: Estate, { mailbox, name }: Named): Promise<void> {
  const { engine, log } = estate.parts
  const from = await storedFolder(engine, estate.account, mailbox)
  if (from === undefined) return
  const to = await directoryFor(estate, mailbox, name)
  if (from === to) return
  const [source, target] = [join(estate.root, from), join(estate.root, to)]
  if (await exists(source)) {
    if (!(await exists(target))) await rename(source, target)
    else {
      log.warn(
        { account: estate.account, path: target },
        'a folder of the new name is there already: the two become one',
      )
      await mergeFolders(source, target)
    }
    await syncDirectory(estate.root)
  }
  await storeFolder(engine, estate.account, mailbox, to)
  // Its UIDVALIDITY may have changed with the name.
  estate.adopt(mailbox, to).isListStale = true
}

export async function removeFolder(estate: Estate, { mailbox }: Named): Promise<void> {
  const { engine } = estate.parts
  const directory = await storedFolder(engine, estate.account, mailbox)
  if (directory === undefined) return
  const others = [...(await storedFolders(engine, estate.account))].filter(([id]) => id !== mailbox)
  if (others.some(([, other]) => other === directory)) {
    await storeFolder(engine, estate.account, mailbox, undefined)
    return
  }
  if (directory === '') await emptyInbox(estate)
  else {
    const path = join(estate.root, directory)
    if (await exists(path)) {
      await mkdir(estate.temporary, { recursive: true })
      const gone = join(estate.temporary, `gone.${randomBytes(8).toString('hex')}`)
      await rename(path, gone)
      await syncDirectory(estate.root)
      await rm(gone, { recursive: true, force: true })
    }
  }
  await storeFolder(engine, estate.account, mailbox, undefined)
  estate.folders.delete(mailbox)
}

/** INBOX goes with its account alone. What other programs keep in the directory stays. */
async function emptyInbox(estate: Estate): Promise<void> {
  for (const name of ['cur', 'new', 'tmp']) await rm(join(estate.root, name), { recursive: true, force: true })
  for (const name of await namesIn(estate.root)) if (LISTS.test(name)) await removeFile(join(estate.root, name))
  await rmdir(estate.root).catch(() => {})
  await storePath(estate.parts.engine, estate.account, undefined)
}

async function mergeFolders(source: string, target: string): Promise<void> {
  await makeMaildir(target, true)
  for (const place of ['new', 'cur']) {
    for (const name of await readdir(join(source, place)).catch(() => [])) {
      await rename(join(source, place, name), join(target, place, name))
    }
    await syncDirectory(join(target, place))
  }
  await rm(source, { recursive: true, force: true })
}

/**
 * Writes the list of subscriptions. One that another program has written since is taken in first; when that cannot be
 * known, because the server has just started, a name that either has stays.
 */
export async function applySubscriptions(estate: Estate): Promise<void> {
  const { store } = estate.parts.mirrored
  const before = estate.subscriptionsPrint
  const print = await subscriptionsPrint(estate.root)
  if (print !== '' && print !== before) {
    for (const name of (await readSubscriptions(estate.root)) ?? []) await subscribe(estate, name, true)
  }
  const names = await store.subscriptions(estate.account)
  estate.subscriptionsPrint = await writeSubscriptions(estate.root, names)
}

/** Takes in what another program has written. */
export async function readInSubscriptions(estate: Estate): Promise<void> {
  const print = await subscriptionsPrint(estate.root)
  if (print === '' || print === estate.subscriptionsPrint) return
  const wanted = new Set(await readSubscriptions(estate.root))
  const current = new Set(await estate.parts.mirrored.store.subscriptions(estate.account))
  for (const name of wanted) if (!current.has(name)) await subscribe(estate, name, true)
  for (const name of current) if (!wanted.has(name)) await subscribe(estate, name, false)
  estate.subscriptionsPrint = print
}

async function subscribe({ parts, account }: Estate, name: string, isSubscribed: boolean): Promise<void> {
  try {
    await parts.mirrored.store.setSubscribed(account, name, isSubscribed)
  } catch (error) {
    if (codeOf(error) !== 'INVALID' && codeOf(error) !== 'LIMIT_REACHED') throw error
    parts.log.warn({ account, name, err: error }, 'a subscription of the Maildir is no name of a mailbox')
  }
}

export async function applyQuota(estate: Estate): Promise<void> {
  await writeQuotaFile(estate.root, await estate.parts.mirrored.store.quota(estate.account))
}

async function mailboxOf({ parts, account }: Estate, mailbox: MailboxId): Promise<Mailbox | undefined> {
  return (await parts.mirrored.store.mailboxes(account)).find(({ id }) => id === mailbox)
}
