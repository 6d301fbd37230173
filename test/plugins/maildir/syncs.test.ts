import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AccountId, indexMessage } from 'mailserver'
import { memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { afterEach, expect, it, vi } from 'vitest'
import { eventually, scratch } from '../../support/peer.ts'
import { messageFiles } from './audit.ts'
import { disk } from './faulty-disk.ts'
import { openMaildir } from './open-maildir.ts'
import { octetsOf } from './traffic.ts'

vi.mock('node:fs/promises', async (original) => (await import('./faulty-disk.ts')).faulty(await original()))

afterEach(() => Object.assign(disk, { root: '', fault: undefined }))

const alice = 'alice' as AccountId
const MESSAGES = 80
/** Within so long the syncs of directories and lists are shared. */
const GATHERED_MS = 250

it('syncs each file of messages that come one after the other, and directories and lists now and then', async () => {
  using directory = scratch('maildir-syncs')
  await using mail = await openMaildir({ engine: memoryEngine(), blobs: memoryBlobStore(), path: directory.path })
  await mail.store.createAccount(alice)
  await mail.keeper.settle(alice)
  const { id } = await mail.store.mailbox(alice, 'INBOX')
  const drafts = join(mail.root(alice), 'tmp/')
  const syncs = { files: 0, others: 0 }
  Object.assign(disk, {
    root: directory.path,
    fault: ({ kind, path }: { kind: string; path: string }) => {
      if (kind !== 'sync' && kind !== 'datasync') return
      if (path.startsWith(drafts)) syncs.files += 1
      else syncs.others += 1
    },
  })
  const began = performance.now()
  for (let at = 0; at < MESSAGES; at++) {
    const octets = octetsOf(`m${at}`, 100)
    const blob = await mail.blobs.write(octets)
    await mail.store.append(alice, id, [{ blob, index: indexMessage(octets), flags: [], internalDate: 0 }])
    await sleep(10)
  }
  await eventually(
    () => messageFiles(mail.root(alice)).length === MESSAGES && mail.mirror.backlog.total.operations === 0,
  )
  const took = performance.now() - began
  expect(syncs.files).toBe(MESSAGES)
  // The first does not wait for others; each time is one sync of the directory, and one of the list.
  expect(syncs.others).toBeLessThanOrEqual(2 * (2 + Math.ceil(took / GATHERED_MS)))
})

it('writes a list once, however many of its UIDs cannot be taken', async () => {
  using directory = scratch('maildir-lists')
  await using mail = await openMaildir({ engine: memoryEngine(), blobs: memoryBlobStore(), path: directory.path })
  await mail.store.createAccount(alice)
  await mail.keeper.settle(alice)
  const { id } = await mail.store.mailbox(alice, 'INBOX')
  const { uidValidity } = await mail.store.status(alice, id)
  await mail.mirrored.setUidValidity(alice, 'INBOX', uidValidity, 5_001)
  const root = mail.root(alice)
  const names = Array.from({ length: 1_000 }, (_, at) => `${at}.a`)
  for (const name of names) writeFileSync(join(root, 'cur', `${name}:2,`), `Subject: ${name}\n\n`)
  appendFileSync(join(root, 'dovecot-uidlist'), names.map((name, at) => `${at + 1} :${name}\n`).join(''))
  let written = 0
  Object.assign(disk, {
    root: directory.path,
    fault: ({ kind, path }: { kind: string; path: string }) => {
      if (kind === 'rename' && path === join(root, 'dovecot-uidlist.new')) written += 1
    },
  })
  await mail.keeper.settle(alice)
  expect(await mail.store.status(alice, id)).toMatchObject({ messages: 1_000, uidNext: 6_001 })
  expect(written).toBe(1)
})
