import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkBackup } from '../../src/store/backup/check-backup.ts'
import { PackIndex } from '../../src/store/backup/pack-index.ts'
import { pruneBackup } from '../../src/store/backup/prune-backup.ts'
import { type RestoreOptions, restoreBackup } from '../../src/store/backup/restore-backup.ts'
import { writeBackup } from '../../src/store/backup/write-backup.ts'
import { collectBlobs } from '../../src/store/blob-collector.ts'
import { holdBlobs } from '../../src/store/blob-hold.ts'
import type { MailboxId } from '../../src/store/mail-store.ts'
import { type Verified, verifyStore } from '../../src/store/verify/verify-store.ts'
import { memoryBlobStore } from '../../src/testing/memory-blob-store.ts'
import { scratch } from '../support/peer.ts'
import { ALICE, messageOf, type SmallStore, smallStore } from './support/small-store.ts'

const ADDRESS = 'alice@example.test'

const backUp = (small: SmallStore, path: string, more: Partial<Parameters<typeof writeBackup>[2]> = {}) =>
  writeBackup(small.context, path, { addressOf: () => ADDRESS, sections: [], onMissing: () => {}, ...more })

const restore = (small: SmallStore, path: string, more: Partial<RestoreOptions> = {}) =>
  restoreBackup(small.context, path, { onLost: () => {}, directory: async () => new Map(), ...more })

async function damages(path: string): Promise<string[]> {
  const texts: string[] = []
  await checkBackup(path, {}, (text) => void texts.push(text))
  return texts
}

async function findings(small: SmallStore): Promise<string[]> {
  const found: Verified[] = []
  await verifyStore(small.context, {}, (finding) => void found.push(finding))
  return found.map(({ kind, text }) => `${kind} ${text}`)
}

/** Everything that a client can see of an account. */
async function seen(small: SmallStore) {
  const { store } = small
  const mailboxes = []
  for (const { id, name, uidValidity, specialUse, subscribed, createdAt } of await store.mailboxes(ALICE)) {
    const messages = []
    for await (const states of store.states(ALICE, id)) {
      for (const { uid, ...state } of states) {
        const [record] = await store.records(ALICE, id, [uid])
        const text = (await store.read(ALICE, id, uid)).toString()
        messages.push({ uid, ...state, text, emailId: record?.emailId, savedAt: record?.savedAt })
      }
    }
    const { messages: count, unseen, deleted, size, highestModSeq } = await store.status(ALICE, id)
    const status = { count, unseen, deleted, size, highestModSeq }
    const metadata = [await store.metadata(ALICE, id, 'shared'), await store.metadata(ALICE, id, ALICE)]
    mailboxes.push({ metadata, name, id, uidValidity, specialUse, subscribed, createdAt, status, messages })
  }
  return { mailboxes, subscriptions: await store.subscriptions(ALICE), quota: await store.quota(ALICE) }
}

async function filled(): Promise<SmallStore> {
  const small = await smallStore()
  const { store } = small
  await small.add('INBOX', 'one', ['\\Seen'])
  await small.add('INBOX', 'two', ['\\Deleted', 'important'])
  await small.add('INBOX', 'three')
  await store.expunge(ALICE, await small.id('INBOX'), [1])
  await store.createMailbox(ALICE, 'Entwürfe/Übung')
  await store.copy(ALICE, await small.id('INBOX'), [2], await small.id('Entwürfe/Übung'))
  await store.setFlags(ALICE, await small.id('INBOX'), [3], { mode: 'add', flags: ['\\Flagged'] })
  await store.setSubscribed(ALICE, 'Not/There', true)
  const value = Buffer.from([0, 255, 13, 10])
  for (const owner of ['shared', ALICE] as const) {
    await store.setMetadata(ALICE, await small.id('INBOX'), [{ owner, name: '/comment', value }])
  }
  await store.setQuota(ALICE, { maxBytes: 1_000_000 })
  return small
}

describe('store backup and restore', () => {
  test('an empty store becomes what the backup has, and goes on from there', async () => {
    using dir = scratch('backup')
    const small = await filled()
    const written = await backUp(small, dir.path)
    expect(written).toMatchObject({ accounts: 1, messages: 3, newBlobs: 2 })
    expect(await damages(dir.path)).toEqual([])

    const other = await smallStore()
    const done = await restore(other, dir.path)
    expect(done.accounts).toEqual([
      { account: ADDRESS, restored: 3, present: 0, lost: 0, how: 'as it was', failed: null },
    ])
    expect(await seen(other)).toEqual(await seen(small))
    expect(await findings(other)).toEqual([])

    // What was given out after the backup is not given out again.
    const { uid } = await other.add('INBOX', 'after')
    expect(uid).toBeGreaterThan(1_000_000)
    const inbox = await other.id('INBOX')
    const { highestModSeq } = await small.store.status(ALICE, await small.id('INBOX'))
    expect(await other.store.changesSince(ALICE, inbox, highestModSeq)).toMatchObject({ isComplete: false })
    const numbers = (await other.store.mailboxes(ALICE)).map(({ id }) => Number(id.slice(1)))
    const made = await other.store.createMailbox(ALICE, 'New')
    expect(Number(made.id.slice(1))).toBeGreaterThan(Math.max(...numbers) + 1_000)
    expect(await findings(other)).toEqual([])
  })

  test('a second backup copies only what is new, and each point can be restored', async () => {
    using dir = scratch('backup')
    const small = await filled()
    const first = await backUp(small, dir.path)
    const atFirst = await seen(small)
    const again = await backUp(small, dir.path)
    expect(again).toMatchObject({ newBlobs: 0, newBytes: 0, newRecordFiles: 0, messages: 3 })

    await small.add('INBOX', 'four')
    await small.store.expunge(ALICE, await small.id('INBOX'), [2])
    const later = await backUp(small, dir.path)
    expect(later).toMatchObject({ newBlobs: 1, newBytes: messageOf('four').length, newRecordFiles: 1 })
    expect(await damages(dir.path)).toEqual([])

    const old = await smallStore()
    await restore(old, dir.path, { at: first.point })
    expect(await seen(old)).toEqual(atFirst)
    const newest = await smallStore()
    await restore(newest, dir.path)
    expect((await seen(newest)).mailboxes[0]?.messages.map(({ uid }) => uid)).toEqual([3, 4])
  })

  test('an account in use keeps what it has and gets back what it misses, once', async () => {
    using dir = scratch('backup')
    const small = await filled()
    await backUp(small, dir.path)
    const inbox = await small.id('INBOX')
    await small.store.expunge(ALICE, inbox, [2])
    await small.store.setFlags(ALICE, inbox, [3], { mode: 'replace', flags: ['\\Seen'] })
    await small.store.deleteMailbox(ALICE, 'Entwürfe/Übung')
    await small.add('INBOX', 'newer')
    const events: string[] = []
    const stop = small.store.watch(ALICE, (event) => events.push(event.kind))

    const [done] = (await restore(small, dir.path)).accounts
    expect(done).toMatchObject({ how: 'merged', restored: 2, present: 1, lost: 0 })
    const uids = (await seen(small)).mailboxes.map(({ name, messages }) => [name, messages.map(({ uid }) => uid)])
    expect(uids).toContainEqual(['INBOX', [3, 4, 5]])
    expect(uids).toContainEqual(['Entwürfe/Übung', [1]])
    const [, , back] = (await seen(small)).mailboxes[0]?.messages ?? []
    expect(back).toMatchObject({ flags: ['\\Deleted', 'important'], internalDate: Date.UTC(2024, 1, 29, 12, 30, 15) })
    await new Promise((resolve) => setImmediate(resolve))
    stop()
    expect(events).toContain('appended')

    expect((await restore(small, dir.path)).accounts[0]).toMatchObject({ restored: 0, present: 3 })
    expect(await findings(small)).toEqual([])
  })

  test('beside what is there, or one mailbox alone', async () => {
    using dir = scratch('backup')
    const small = await filled()
    await backUp(small, dir.path)
    await restore(small, dir.path, { accounts: [ADDRESS], mailboxes: ['INBOX'], beside: 'Restored' })
    const names = (await small.store.mailboxes(ALICE)).map(({ name }) => name)
    expect(names.filter((name) => name.startsWith('Restored'))).toEqual(['Restored', 'Restored/INBOX'])
    expect((await small.store.status(ALICE, await small.id('Restored/INBOX'))).messages).toBe(2)
    await restore(small, dir.path, { accounts: [ADDRESS], beside: 'Restored' })
    expect((await small.store.status(ALICE, await small.id('Restored/INBOX'))).messages).toBe(2)
    expect(await findings(small)).toEqual([])
    await expect(restore(small, dir.path, { accounts: ['bob@example.test'] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  test('one account without room keeps what came back before, and its blobs', async () => {
    using dir = scratch('backup')
    const small = await filled()
    await backUp(small, dir.path)
    const other = await smallStore()
    await other.add('INBOX', 'mine')
    await other.store.setQuota(ALICE, { maxMessages: 2 })
    const [done] = (await restore(other, dir.path)).accounts
    expect(done).toMatchObject({ how: 'merged', failed: expect.stringContaining('allowed') })
    expect(await findings(other)).toEqual([])
  })

  test('forgets the oldest points and takes their room back', async () => {
    using dir = scratch('backup')
    const small = await filled()
    await backUp(small, dir.path)
    await small.store.expunge(ALICE, await small.id('INBOX'), [2, 3])
    await small.store.deleteMailbox(ALICE, 'Entwürfe/Übung')
    await small.add('INBOX', 'four')
    const newest = await backUp(small, dir.path)
    const pruned = await pruneBackup(dir.path, 1, {})
    expect(pruned.removedPoints).toHaveLength(1)
    expect(pruned.freedBytes).toBe(messageOf('two').length + messageOf('three').length)
    expect(readdirSync(join(dir.path, 'points'))).toEqual([`${newest.point}.json`])
    expect(await damages(dir.path)).toEqual([])
    const other = await smallStore()
    await restore(other, dir.path)
    expect(await seen(other)).toEqual(await seen(small))
  })

  test('an interrupted backup is none, and the next one goes on', async () => {
    using dir = scratch('backup')
    const small = await filled()
    await backUp(small, dir.path)
    await small.add('INBOX', 'four')
    const stop = new AbortController()
    const interrupted = backUp(small, dir.path, {
      signal: stop.signal,
      sections: [
        {
          name: 'late',
          async *read() {
            yield { record: {} }
            stop.abort(new Error('pulled the plug'))
          },
        },
      ],
    })
    await expect(interrupted).rejects.toThrow('pulled the plug')
    writeFileSync(join(dir.path, 'points', 'x.json.partial'), '{')
    writeFileSync(join(dir.path, 'blobs', 'y.pack.partial'), 'MSB1')
    expect(readdirSync(join(dir.path, 'points')).filter((name) => name.endsWith('.json'))).toHaveLength(1)
    expect(await backUp(small, dir.path)).toMatchObject({ newBlobs: 1 })
    expect(readdirSync(join(dir.path, 'blobs')).filter((name) => name.endsWith('.partial'))).toEqual([])
    expect(await damages(dir.path)).toEqual([])
  })

  test('names what is damaged in a backup, and restores the rest', async () => {
    using dir = scratch('backup')
    const small = await filled()
    await backUp(small, dir.path)
    const [pack] = readdirSync(join(dir.path, 'blobs')).filter((name) => name.endsWith('.pack'))
    const file = join(dir.path, 'blobs', pack as string)
    const index = new PackIndex(readFileSync(file.replace('.pack', '.idx')))
    const bytes = readFileSync(file)
    const at = bytes.indexOf('Subject: three')
    expect(index.count).toBe(2)
    bytes[at] = (bytes[at] as number) ^ 1
    writeFileSync(file, bytes)
    expect(await damages(dir.path)).toEqual([`message 3 in INBOX of ${ADDRESS}: its bytes are damaged in the backup`])
    const lost: unknown[] = []
    const other = await smallStore()
    const done = await restore(other, dir.path, { onLost: (one) => void lost.push(one) })
    expect(done.accounts[0]).toMatchObject({ restored: 2, lost: 1 })
    expect(lost).toEqual([expect.objectContaining({ mailbox: 'INBOX', uid: 3 })])
    expect(await findings(other)).toEqual([])
  })

  test('keeps a message whose bytes are damaged out, says so, and backs up the rest', async () => {
    using dir = scratch('backup')
    const blobs = memoryBlobStore()
    const small = await smallStore({ blobs })
    const { blob } = await small.add('INBOX', 'one')
    await small.add('INBOX', 'two')
    await blobs.release(blob)
    const missing: unknown[] = []
    await backUp(small, dir.path, { onMissing: (one) => void missing.push(one) })
    expect(missing).toEqual([expect.objectContaining({ mailbox: 'INBOX', uid: 1 })])
    const other = await smallStore()
    expect((await restore(other, dir.path)).accounts[0]).toMatchObject({ restored: 1, lost: 1 })
  })

  test('brings large messages in pieces', async () => {
    using dir = scratch('backup')
    const small = await smallStore()
    await small.add('INBOX', 'x'.repeat(5 * 1024 * 1024))
    await small.store.copy(ALICE, await small.id('INBOX'), [1], await small.id('Sent'))
    await small.add('INBOX', 'x'.repeat(5 * 1024 * 1024))
    expect(await backUp(small, dir.path)).toMatchObject({ newBlobs: 1, messages: 3 })
    const other = await smallStore()
    await restore(other, dir.path)
    expect(await seen(other)).toEqual(await seen(small))
  })

  test('is readable by its owner alone, and takes no directory with other things in it', async () => {
    using dir = scratch('backup')
    const small = await filled()
    const path = join(dir.path, 'deep', 'er')
    await backUp(small, path)
    for (const name of readdirSync(path, { recursive: true })) {
      expect(statSync(join(path, String(name))).mode & 0o077).toBe(0)
    }
    writeFileSync(join(dir.path, 'something'), '')
    await expect(backUp(small, dir.path)).rejects.toMatchObject({ code: 'INVALID' })
    await expect(restore(small, dir.path)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('nothing that a backup needs is released while it runs', async () => {
    const small = await filled()
    const collect = () => collectBlobs(small.engine, small.blobs, Date.now() + 60_000)
    await collect()
    const release = await holdBlobs(small.engine, small.context.clock)
    await small.store.deleteMailbox(ALICE, 'Entwürfe/Übung')
    await small.store.expunge(ALICE, (await small.id('INBOX')) as MailboxId, [2, 3])
    expect(await collect()).toBe(0)
    await release()
    expect(await collect()).toBeGreaterThan(0)
  })
})
