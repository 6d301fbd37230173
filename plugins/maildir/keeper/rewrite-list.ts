import { fingerprint } from '../files/disk.ts'
import { readUidList, type UidEntry, uidListOf, writeUidList } from '../files/uid-list.ts'
import { parseMessageRef } from '../names/message-ref.ts'
import type { Estate } from './estate.ts'
import type { Folder } from './folder.ts'

/** Messages whose records are read together. */
const BATCH = 1_000

/** Writes the uidlist of a folder anew, with the UIDs that the store has given to what is there. */
export async function rewriteList(estate: Estate, folder: Folder): Promise<void> {
  const { store } = estate.parts.mirrored
  const mailbox = (await store.mailboxes(estate.account)).find(({ id }) => id === folder.mailbox)
  if (mailbox === undefined) return
  const { uidNext, uidValidity } = await store.status(estate.account, folder.mailbox)
  if (!folder.isListed) await folder.list()
  const entries: UidEntry[] = []
  for (const [key, uid] of folder.uids ?? (await storedUids(estate, folder))) {
    const stem = folder.files.get(key)?.stem
    if (stem !== undefined) entries.push([uid, stem])
  }
  const guid = (await readUidList(folder.path))?.guid
  await writeUidList(
    folder.path,
    { uidValidity, uidNext, guid },
    entries.sort(([a], [b]) => a - b),
  )
  folder.listPrint = await fingerprint(uidListOf(folder.path))
  folder.isListStale = false
}

async function storedUids({ parts, account }: Estate, { mailbox }: Folder): Promise<Map<string, number>> {
  const { store } = parts.mirrored
  const uids = new Map<string, number>()
  for await (const states of store.states(account, mailbox)) {
    for (let at = 0; at < states.length; at += BATCH) {
      const part = states.slice(at, at + BATCH).map(({ uid }) => uid)
      for (const { uid, blob } of await store.records(account, mailbox, part)) {
        const key = parseMessageRef(blob)?.key
        if (key !== undefined) uids.set(key, uid)
      }
    }
  }
  return uids
}
