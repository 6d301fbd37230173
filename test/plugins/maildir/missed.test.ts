import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { type AccountId, indexMessage, type MailboxId } from 'mailserver'
import { memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { afterEach, expect, it, vi } from 'vitest'
import { scratch } from '../../support/peer.ts'
import { messageFiles } from './audit.ts'
import { type Call, disk, faultOf } from './faulty-disk.ts'
import { type OpenedMaildir, openMaildir } from './open-maildir.ts'
import { octetsOf } from './traffic.ts'

vi.mock('node:fs/promises', async (original) => (await import('./faulty-disk.ts')).faulty(await original()))

afterEach(() => Object.assign(disk, { root: '', fault: undefined }))

const alice = 'alice' as AccountId

/** A Maildir with one message, which the keeper has seen. */
async function withOne(path: string): Promise<OpenedMaildir> {
  const mail = await openMaildir({ engine: memoryEngine(), blobs: memoryBlobStore(), path })
  await mail.store.createAccount(alice)
  await append(mail)
  await mail.keeper.settle(alice)
  return mail
}

async function append(mail: OpenedMaildir): Promise<void> {
  const octets = octetsOf('one', 100)
  const { id } = await mail.store.mailbox(alice, 'INBOX')
  const blob = await mail.blobs.write(octets)
  await mail.store.append(alice, id, [{ blob, index: indexMessage(octets), flags: ['\\Seen'], internalDate: 0 }])
}

/** Another program does something once, just before we make a call. */
function before(path: string, isIt: (call: Call) => boolean, work: () => Error | undefined): void {
  let isDone = false
  const fault = (call: Call) => {
    if (isDone || !isIt(call)) return undefined
    isDone = true
    return work()
  }
  Object.assign(disk, { root: path, fault })
}

/** A file is renamed by another program, and again in the middle of the next look. */
async function withMissed(path: string): Promise<OpenedMaildir> {
  const mail = await withOne(path)
  const [cur, fresh] = [join(mail.root(alice), 'cur'), join(mail.root(alice), 'new')]
  const [name = ''] = readdirSync(cur)
  renameSync(join(cur, name), join(cur, `${name}F`))
  // `new` has been read already: the message is in neither list.
  before(
    path,
    ({ kind, path: at }) => kind === 'readdir' && at === cur,
    () => void renameSync(join(cur, `${name}F`), join(fresh, name)),
  )
  return mail
}

/** A file is renamed by another program when it has been found, and before we make a call with it. */
async function withRenamed(path: string, call: string): Promise<OpenedMaildir> {
  const mail = await withOne(path)
  const [file = ''] = messageFiles(mail.root(alice))
  before(
    path,
    ({ kind, path: at }) => kind === call && at === file,
    () => void renameSync(file, `${file}F`),
  )
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

it('expunges a message whose file is renamed before it is removed', async () => {
  using directory = scratch('maildir-missed')
  await using mail = await withRenamed(directory.path, 'unlink')
  const { id } = await mail.store.mailbox(alice, 'INBOX')
  await mail.store.expunge(alice, id, [1])
  await mail.keeper.settle(alice)
  expect(messageFiles(mail.root(alice))).toEqual([])
  expect((await mail.store.status(alice, id)).messages).toBe(0)
})

it.each([
  ['moves', 'rename', 0],
  ['copies', 'link', 1],
] as const)('%s a message whose file is renamed before it is taken, with its new flags', async (_, call, left) => {
  using directory = scratch('maildir-missed')
  await using mail = await withRenamed(directory.path, call)
  const [{ id }, archive] = [await mail.store.mailbox(alice, 'INBOX'), await mail.store.mailbox(alice, 'Archive')]
  if (call === 'rename') await mail.store.move(alice, id, [1], archive.id)
  else await mail.store.copy(alice, id, [1], archive.id)
  await mail.keeper.settle(alice)
  expect(messageFiles(join(mail.root(alice), '.Archive')).map((name) => name.replace(/.*:/, ''))).toEqual(['2,FS'])
  expect(await flagsIn(mail, archive.id)).toEqual([['\\Flagged', '\\Seen']])
  expect((await mail.store.status(alice, id)).messages).toBe(left)
})

it('takes flags that another program sets before what has failed is done again', async () => {
  using directory = scratch('maildir-missed')
  await using mail = await withOne(directory.path)
  const [file = ''] = messageFiles(mail.root(alice))
  before(
    directory.path,
    ({ kind, path }) => kind === 'open' && path.includes('/tmp/'),
    () => faultOf('EIO'),
  )
  await append(mail)
  await mail.keeper.settle(alice)
  renameSync(file, file.replace(/S$/, 'FS'))
  await mail.keeper.settle(alice)
  expect(messageFiles(mail.root(alice))).toHaveLength(2)
  const { id } = await mail.store.mailbox(alice, 'INBOX')
  expect(await flagsIn(mail, id)).toEqual([['\\Flagged', '\\Seen'], ['\\Seen']])
})

async function flagsIn(mail: OpenedMaildir, mailbox: MailboxId): Promise<string[][]> {
  const flags: string[][] = []
  for await (const states of mail.store.states(alice, mailbox))
    flags.push(...states.map((one) => [...one.flags].sort()))
  return flags
}
