import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { type AccountId, indexMessage } from 'mailserver'
import { memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { afterEach, expect, it, vi } from 'vitest'
import { scratch } from '../../support/peer.ts'
import { messageFiles } from './audit.ts'
import { disk } from './faulty-disk.ts'
import { type OpenedMaildir, openMaildir } from './open-maildir.ts'
import { octetsOf } from './traffic.ts'

vi.mock('node:fs/promises', async (original) => (await import('./faulty-disk.ts')).faulty(await original()))

afterEach(() => Object.assign(disk, { root: '', fault: undefined }))

const alice = 'alice' as AccountId

/** A Maildir with one message, whose file is renamed by another program, and again in the middle of the next look. */
async function withMissed(path: string): Promise<OpenedMaildir> {
  const mail = await openMaildir({ engine: memoryEngine(), blobs: memoryBlobStore(), path })
  await mail.store.createAccount(alice)
  const octets = octetsOf('one', 100)
  const { id } = await mail.store.mailbox(alice, 'INBOX')
  const blob = await mail.blobs.write(octets)
  const message = { blob, index: indexMessage(octets), flags: ['\\Seen'], internalDate: 0 }
  await mail.store.append(alice, id, [message])
  await mail.keeper.settle(alice)
  const [cur, fresh] = [join(mail.root(alice), 'cur'), join(mail.root(alice), 'new')]
  const [name = ''] = readdirSync(cur)
  renameSync(join(cur, name), join(cur, `${name}F`))
  let isDone = false
  Object.assign(disk, {
    root: path,
    fault: (call: { kind: string; path: string }) => {
      // `new` has been read already: the message is in neither list.
      if (isDone || call.kind !== 'readdir' || call.path !== cur) return
      isDone = true
      renameSync(join(cur, `${name}F`), join(fresh, name))
    },
  })
  return mail
}

it('expunges a message whose file is renamed while it is looked for', async () => {
  using directory = scratch('maildir-missed')
  await using mail = await withMissed(directory.path)
  const { id } = await mail.store.mailbox(alice, 'INBOX')
  await mail.store.expunge(alice, id, [1])
  await mail.keeper.settle(alice)
  expect(messageFiles(mail.root(alice))).toEqual([])
  expect((await mail.store.status(alice, id)).messages).toBe(0)
})

it('moves a message whose file is renamed while it is looked for', async () => {
  using directory = scratch('maildir-missed')
  await using mail = await withMissed(directory.path)
  const [{ id }, archive] = [await mail.store.mailbox(alice, 'INBOX'), await mail.store.mailbox(alice, 'Archive')]
  await mail.store.move(alice, id, [1], archive.id)
  await mail.keeper.settle(alice)
  expect(messageFiles(join(mail.root(alice), '.Archive'))).toHaveLength(1)
  expect((await mail.store.status(alice, archive.id)).messages).toBe(1)
  expect((await mail.store.status(alice, id)).messages).toBe(0)
})
