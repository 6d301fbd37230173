import { authenticator, directory, engine, indexMessage, mailStore, parseAddress, queue } from 'mailserver'
import { expect, test } from 'vitest'
import { directorySection, restoreDirectory } from '../../src/directory/directory-section.ts'
import { queueSection, restoreQueue } from '../../src/queue/queue-section.ts'
import { isUntouched } from '../../src/store/backup/restore-account.ts'
import { restoreBackup } from '../../src/store/backup/restore-backup.ts'
import { writeBackup } from '../../src/store/backup/write-backup.ts'
import { blobStore } from '../../src/store/blob-store.ts'
import { storeContext } from '../../src/store/store-context.ts'
import { scratch } from '../support/peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

const address = (text: string) => parseAddress(text) as NonNullable<ReturnType<typeof parseAddress>>
const CAROL = address('carol@example.test')

async function backUp(server: TestServer, path: string): Promise<void> {
  const accounts = await server.service(directory).accounts()
  const names = new Map(accounts.map(({ id, address: { local, domain } }) => [id, `${local}@${domain}`]))
  await writeBackup(server.service(storeContext), path, {
    addressOf: (id) => names.get(id) ?? null,
    sections: [directorySection, queueSection],
    onMissing: () => {},
  })
}

const restore = (server: TestServer, path: string, isHeld = false) =>
  restoreBackup(server.service(storeContext), path, {
    onLost: () => {},
    directory: (records, only) =>
      restoreDirectory(
        server.service(engine),
        records.map((one) => (one as { record: unknown }).record),
        { only, isUntouched: (id) => isUntouched(server.service(engine), id) },
      ),
    queue: (records, bring) => restoreQueue(server.service(engine), records, isHeld, bring),
  })

const logIn = (server: TestServer, login: string, password: string) =>
  server.service(authenticator).authenticate({
    mechanism: 'PLAIN',
    login,
    password,
    protocol: 'imap',
    remoteAddress: '127.0.0.1',
  })

test('accounts come back with their passwords, aliases, and what waited to be sent', async () => {
  using dir = scratch('sections')
  await using server = await startTestServer()
  const people = server.service(directory)
  await people.addAccount({ address: CAROL, maxBytes: 5_000_000 }, 'a password of hers')
  await people.addAlias(address('info@example.test'), [CAROL])
  await people.addDomain({ name: 'example.org' })
  const bytes = Buffer.from('Subject: waits\r\n\r\nhello\r\n')
  const blob = await server.service(blobStore).write(bytes)
  await server.service(engine).transact([], async (tx) =>
    server.service(queue).enqueueIn(
      tx,
      {
        id: 'q1' as never,
        envelope: { sender: CAROL, smtpUtf8: false, eightBit: false, requireTls: false },
        blob,
        size: bytes.length,
        arrivedAt: Date.now(),
        isReport: false,
      },
      [{ recipient: { address: address('dave@example.net') } }],
    ),
  )
  await backUp(server, dir.path)

  await using other = await startTestServer()
  const done = await restore(other, dir.path)
  expect(done).toMatchObject({ queued: 1 })
  expect(await logIn(other, 'carol@example.test', 'a password of hers')).toMatchObject({ maxBytes: 5_000_000 })
  expect(await other.service(directory).resolve(address('info@example.test'))).toMatchObject({ kind: 'local' })
  expect(await other.service(directory).isLocalDomain('example.org')).toBe(true)
  const { entries } = await other.service(queue).list({ state: 'waiting' })
  expect(entries.map(({ recipient }) => recipient.recipient.address.domain)).toEqual(['example.net'])
  const queued = entries[0]?.message.blob as NonNullable<(typeof entries)[0]>['message']['blob']
  expect((await other.service(blobStore).read(queued)).toString()).toBe(bytes.toString())
  expect(await other.service(queue).claim(1, new Set())).toHaveLength(1)

  // Given again, nothing comes twice, and what was changed since stays.
  await other.service(directory).setPassword(CAROL, 'a new one')
  const account = (await other.service(directory).accountByAddress(CAROL))?.id as never
  const { id } = await other.service(mailStore).mailbox(account, 'INBOX')
  await other
    .service(mailStore)
    .append(account, id, [{ blob: queued, index: indexMessage(bytes), flags: [], internalDate: Date.now() }])
  expect(await restore(other, dir.path)).toMatchObject({ queued: 0 })
  await logIn(other, 'carol@example.test', 'a new one')
  await expect(logIn(other, 'carol@example.test', 'a password of hers')).rejects.toMatchObject({
    code: 'AUTHENTICATION_FAILED',
  })
})

test('what waited to be sent can be held for an operator to look at', async () => {
  using dir = scratch('sections')
  await using server = await startTestServer()
  const blob = await server.service(blobStore).write(Buffer.from('Subject: x\r\n\r\n'))
  await server.service(engine).transact([], async (tx) =>
    server.service(queue).enqueueIn(
      tx,
      {
        id: 'q2' as never,
        envelope: { sender: undefined, smtpUtf8: false, eightBit: false, requireTls: false },
        blob,
        size: 14,
        arrivedAt: Date.now(),
        isReport: true,
      },
      [{ recipient: { address: address('dave@example.net') } }],
    ),
  )
  await server.service(queue).claim(1, new Set())
  await backUp(server, dir.path)
  await using other = await startTestServer()
  await restore(other, dir.path, true)
  expect(await other.service(queue).count({ state: 'held' })).toBe(1)
  expect(await other.service(queue).claim(1, new Set())).toEqual([])
})
