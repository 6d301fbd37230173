import { codeOf } from 'mailserver'
import { isGone } from '../faults.ts'
import { exists, fingerprint } from '../files/disk.ts'
import { readUidList, type UidEntry, type UidList, uidListOf, withUidList, writeUidList } from '../files/uid-list.ts'
import { parseMessageRef } from '../names/message-ref.ts'
import { renameByUids } from './apply-messages.ts'
import type { Estate } from './estate.ts'
import type { Folder } from './folder.ts'

/** Messages whose records are read together. */
const BATCH = 1_000

/**
 * Writes to the uidlist what is new to it. Dovecot may give UIDs in the same moment: under the lock both agree, so that no
 * UID ever stands for two messages, one after the other.
 */
export async function agreeUids(estate: Estate, folder: Folder): Promise<void> {
  if (!folder.hasNewUids && !folder.isListStale) return
  try {
    await withUidList(folder.path, async () => {
      if (folder.isListStale || !(await folder.writeUids())) await rewriteList(estate, folder)
    })
  } catch (cause) {
    // A session has deleted the mailbox in this moment, or another program the folder: the list goes with it.
    const isRemoved = codeOf(cause) === 'MAILBOX_NOT_FOUND' || (isGone(cause) && !(await exists(folder.path)))
    if (!isRemoved) throw cause
  }
}

/** Writes the uidlist of a folder anew, with the UIDs that the store has given, and those of messages it has not seen yet. */
async function rewriteList(estate: Estate, folder: Folder): Promise<void> {
  const { mirrored } = estate.parts
  const { store } = mirrored
  const mailbox = (await store.mailboxes(estate.account)).find(({ id }) => id === folder.mailbox)
  if (mailbox === undefined) return
  if (!folder.isListed) await folder.list()
  folder.forgetNewUids()
  const path = uidListOf(folder.path)
  const print = await fingerprint(path)
  const found = await readUidList(folder.path)
  const { uidValidity } = await store.status(estate.account, folder.mailbox)
  // UIDs of another UIDVALIDITY are nothing to these.
  const list = found?.uidValidity === uidValidity ? found : undefined
  if (list !== undefined) folder.sawList(print, list.uidNext)
  const uids = await storedUids(estate, folder)
  const renumbered = list === undefined ? [] : await giveWay(estate, folder, uids, list)
  const entries: UidEntry[] = []
  for (const [key, uid] of uids) {
    const stem = folder.files.get(key)?.stem
    if (stem !== undefined) entries.push([uid, stem])
  }
  if (list !== undefined) entries.push(...(await unseen(folder, uids, list)))
  entries.sort(([a], [b]) => a - b)
  const last = entries.at(-1)?.[0] ?? 0
  const uidNext = Math.max(await nextListed(estate, folder, uids, last), list?.uidNext ?? 0)
  await writeUidList(folder.path, { uidValidity, uidNext, guid: found?.guid }, entries)
  folder.wroteList(await fingerprint(path), uidNext)
  folder.isListStale = false
  await renameByUids(estate, folder, renumbered)
}

/** The next UID as Dovecot is to see it: what comes under a lower one later it would take for a message that was gone. */
async function nextListed(
  { parts, account }: Estate,
  folder: Folder,
  uids: ReadonlyMap<string, number>,
  last: number,
): Promise<number> {
  let next = (await parts.mirrored.store.status(account, folder.mailbox)).uidNext
  for (const [key, uid] of uids) if (uid > last && uid < next && !folder.files.has(key)) next = uid
  return next
}

/**
 * UIDs of ours that another program has given to other messages are given up, and where it has given a message a new one, so
 * do we.
 * @returns what is there in their place
 */
async function giveWay(estate: Estate, folder: Folder, uids: Map<string, number>, list: UidList): Promise<number[]> {
  const followed = await followList(estate, folder, uids, list)
  const given = new Set(list.uids.values())
  const taken = new Map<number, string>()
  for (const [key, uid] of uids) {
    if (list.uids.get(key) === uid || !folder.files.has(key)) continue
    if (given.has(uid) || folder.isForeignUid(uid)) taken.set(uid, key)
  }
  return [...followed, ...(await renumber(estate, folder, uids, taken, list.uidNext))]
}

/**
 * Dovecot gives a message a new UID when it has seen it come and go by another one.
 * @param uids UIDs that the store has, by key; brought up to date
 * @returns UIDs that messages have now
 */
export async function followList(
  estate: Estate,
  folder: Folder,
  uids: Map<string, number>,
  list: UidList,
): Promise<number[]> {
  const { uidNext } = await estate.parts.mirrored.store.status(estate.account, folder.mailbox)
  const differing: (readonly [key: string, from: number, to: number])[] = []
  for (const [key, from] of uids) {
    const to = list.uids.get(key)
    if (to !== undefined && to !== from && to >= uidNext && folder.files.has(key)) differing.push([key, from, to])
  }
  const now: number[] = []
  for (const [key, from, to] of differing.sort((a, b) => a[2] - b[2])) {
    now.push(...(await renumber(estate, folder, uids, new Map([[from, key]]), to)))
  }
  return now
}

async function renumber(
  estate: Estate,
  folder: Folder,
  uids: Map<string, number>,
  taken: ReadonlyMap<number, string>,
  uidNext: number,
): Promise<number[]> {
  if (taken.size === 0) return []
  const { mirrored, log } = estate.parts
  const pairs = await mirrored.renumber(estate.account, folder.mailbox, [...taken.keys()], uidNext)
  const given = new Map(pairs)
  for (const [from, key] of taken) {
    const to = given.get(from)
    if (to === undefined) {
      // A session has expunged it.
      uids.delete(key)
      continue
    }
    uids.set(key, to)
    folder.uids?.set(key, to)
  }
  log.info(
    { account: estate.account, path: folder.path, uids: pairs },
    'messages get new UIDs, for another program has given UIDs in the same moment',
  )
  return pairs.map(([, to]) => to)
}

/** Messages that another program has brought since we last looked: they keep their UIDs until we have. */
async function unseen(folder: Folder, uids: ReadonlyMap<string, number>, list: UidList): Promise<UidEntry[]> {
  const ours = new Set(uids.values())
  const others = [...list.uids].filter(([key, uid]) => !uids.has(key) && !ours.has(uid))
  if (others.length === 0) return []
  const files = await folder.look()
  return others.flatMap(([key, uid]) => {
    const stem = files.get(key)?.stem
    return stem === undefined ? [] : [[uid, stem] as const]
  })
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
