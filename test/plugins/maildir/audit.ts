import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type AccountId, type Engine, type MailboxId, type MailStore, mirrorCommits } from 'mailserver'
import { readUidList } from '../../../plugins/maildir/files/uid-list.ts'
import { inspectMaildir } from '../../../plugins/maildir/inspect.ts'
import { listFolder } from '../../../plugins/maildir/locator.ts'
import { parseFileName } from '../../../plugins/maildir/names/file-name.ts'
import { directoryOf } from '../../../plugins/maildir/names/folder-name.ts'
import { parseMessageRef } from '../../../plugins/maildir/names/message-ref.ts'
import { compareAccount } from '../../../src/store/convert/compare-account.ts'
import { ACCOUNTS, type Tracked } from './traffic.ts'

interface Audited {
  readonly store: MailStore
  readonly root: (account: AccountId) => string
}

/** What is wrong with a store and its Maildirs once all is written, against what was acknowledged; nothing when all is well. */
export async function audit({ store, root }: Audited, acknowledged: readonly Tracked[]): Promise<string[]> {
  const wrong: string[] = []
  for (const account of ACCOUNTS) {
    const view = await inspectMaildir(root(account))
    for (const what of await compareAccount({ store, account, onCompared: () => {} }, view)) {
      wrong.push(`${account}: ${what}`)
    }
    const there = await messagesOf(store, account)
    for (const tracked of acknowledged) {
      if (tracked.account === account) wrong.push(...wrongWith(tracked, there.get(tracked.name) ?? []))
    }
    for (const path of [root(account), ...folders(root(account))]) {
      if (!existsSync(join(path, 'tmp'))) wrong.push(`${account}: ${path} has no tmp, but ${readdirSync(path)}`)
      else for (const name of readdirSync(join(path, 'tmp'))) wrong.push(`${account}: ${name} is left in ${path}/tmp`)
      for (const name of readdirSync(path)) if (/\.(?:lock|new)$/.test(name)) wrong.push(`${path}/${name} is left`)
    }
  }
  return wrong
}

interface Found {
  readonly mailbox: string
  readonly uid: number
  readonly flags: readonly string[]
  readonly internalDate: number
}

function wrongWith({ account, name, min, max, uid, isFlagged, internalDate }: Tracked, found: readonly Found[]) {
  const wrong: string[] = []
  const what = `${account}'s ${name}`
  if (found.length < min || found.length > max)
    wrong.push(`${what} is there ${found.length} times, not ${min} to ${max}`)
  if (uid !== undefined && !found.some((one) => one.mailbox === 'INBOX' && one.uid === uid)) {
    wrong.push(`${what} has lost its UID ${uid}`)
  }
  if (isFlagged && found.some(({ flags }) => !flags.includes('\\Flagged'))) wrong.push(`${what} has lost its flag`)
  if (found.some((one) => one.internalDate !== internalDate)) wrong.push(`${what} has another date`)
  return wrong
}

export async function messagesOf(store: MailStore, account: AccountId): Promise<Map<string, Found[]>> {
  const all = new Map<string, Found[]>()
  for (const { id, name: mailbox } of await store.mailboxes(account)) {
    for await (const states of store.states(account, id)) {
      for (const { uid, flags, internalDate } of states) {
        const [, name = ''] = /^Subject: (\S+)/.exec((await store.read(account, id, uid)).toString('latin1')) ?? []
        all.set(name, [...(all.get(name) ?? []), { mailbox, uid, flags, internalDate }])
      }
    }
  }
  return all
}

/**
 * Messages that the store takes for written, and whose file or UID is not on the disk: none when a commit is confirmed no
 * sooner than all of it is there.
 */
export async function notOnDisk(
  { engine, store, root }: Audited & { readonly engine: Engine },
  account: AccountId,
): Promise<string[]> {
  const waiting = new Set<string>()
  const moving = new Set<MailboxId>()
  for (const { operations } of await mirrorCommits(engine, account)) {
    for (const one of operations) {
      if ('ref' in one) waiting.add(one.ref)
      else if ('name' in one) moving.add(one.mailbox)
    }
  }
  const wrong: string[] = []
  for (const { id, name } of await store.mailboxes(account)) {
    if (moving.has(id)) continue
    const path = join(root(account), directoryOf(name))
    const files = await listFolder(path)
    const list = await readUidList(path)
    for await (const states of store.states(account, id)) {
      const uids = states.map(({ uid }) => uid)
      for (const { uid, blob, internalDate } of await store.records(account, id, uids)) {
        const key = parseMessageRef(blob)?.key
        if (key === undefined || waiting.has(blob)) continue
        const file = files.get(key)
        const what = `${account}: message ${uid} of ${name}`
        if (file === undefined) wrong.push(`${what} has no file`)
        else if (statSync(join(path, file)).mtimeMs !== internalDate) wrong.push(`${what} has another date`)
        if (list?.uids.get(key) !== uid) wrong.push(`${what} has the UID ${list?.uids.get(key)} in the list`)
      }
    }
  }
  return wrong
}

export const folders = (root: string): string[] =>
  readdirSync(root)
    .filter((name) => name.startsWith('.'))
    .map((name) => join(root, name))

/** Every message file of an account. A folder may be in the making. */
export function messageFiles(root: string): string[] {
  return [root, ...folders(root)]
    .flatMap((folder) => [join(folder, 'new'), join(folder, 'cur')])
    .filter((place) => existsSync(place))
    .flatMap((place) => readdirSync(place).map((name) => join(place, name)))
    .filter((file) => parseFileName(basename(file)) !== undefined)
}
