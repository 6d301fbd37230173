import { join } from 'node:path'
import type { MirroredView } from 'mailserver'
import { exists, isDirectoryWithin, namesIn } from './files/disk.ts'
import { KeywordList } from './files/keyword-list.ts'
import { readMessage } from './files/message-file.ts'
import { readSubscriptions } from './files/subscription-list.ts'
import { readUidList } from './files/uid-list.ts'
import { listFolder } from './locator.ts'
import { parseFileName } from './names/file-name.ts'
import { flagsOf, MAX_KEYWORDS } from './names/flag-letters.ts'
import { INBOX, mailboxOf } from './names/folder-name.ts'

type Inspected = MirroredView['mailboxes'][number]

/** A Maildir as its files alone tell it. Undefined when there is none. */
export async function inspectMaildir(root: string): Promise<MirroredView | undefined> {
  if (!(await exists(join(root, 'cur')))) return undefined
  const mailboxes = [await inspectFolder(root, INBOX)]
  for (const directory of await namesIn(root)) {
    const name = mailboxOf(directory)
    const path = join(root, directory)
    if (name === undefined || !(await exists(join(path, 'cur'))) || !(await isDirectoryWithin(path, root))) continue
    mailboxes.push(await inspectFolder(path, name))
  }
  return { place: root, subscriptions: (await readSubscriptions(root)) ?? [], mailboxes }
}

async function inspectFolder(path: string, name: string): Promise<Inspected> {
  const list = await readUidList(path)
  const keywords = await new KeywordList(path).read()
  const messages: Inspected['messages'][number][] = []
  for (const [key, file] of await listFolder(path)) {
    const letters = parseFileName(file.slice(file.indexOf('/') + 1))?.letters ?? ''
    messages.push({
      uid: list?.uids.get(key) ?? 0,
      flags: flagsOf(letters, keywords),
      read: (size) => readMessage(join(path, file), size),
    })
  }
  return {
    name,
    uidValidity: list?.uidValidity ?? 0,
    uidNext: list?.uidNext ?? 0,
    lacksKeywords: keywords.length >= MAX_KEYWORDS,
    messages: messages.sort((a, b) => a.uid - b.uid),
  }
}
