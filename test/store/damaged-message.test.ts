import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { directory, engine, indexMessage, mailStore, parseAddress, queue } from 'mailserver'
import { imap } from 'mailserver/plugins/imap'
import { level } from 'mailserver/plugins/level'
import { pop3 } from 'mailserver/plugins/pop3'
import { expect, test, vi } from 'vitest'
import { type BlobRef, blobStore } from '../../src/store/blob-store.ts'
import { storeContext } from '../../src/store/store-context.ts'
import { verifyStore } from '../../src/store/verify/verify-store.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

vi.setConfig({ testTimeout: 30_000 })

const ALICE = parseAddress('alice@example.test') as NonNullable<ReturnType<typeof parseAddress>>

interface Damaged {
  readonly server: TestServer
  readonly blobs: readonly BlobRef[]
}

/** A server on LevelDB with three messages in INBOX, of which the second has one bit flipped on the disk. */
async function withDamage(): Promise<Damaged & AsyncDisposable> {
  const dataDir = mkdtempSync(join(tmpdir(), 'mailserver-damage-'))
  const path = join(dataDir, 'store')
  const start = () =>
    startTestServer({
      dataDir,
      storage: level({ path }),
      plugins: [imap({ listen: 'tls://127.0.0.1:0' }), pop3({ listen: 'tls://127.0.0.1:0' })],
    })
  let server = await start()
  const blobs: BlobRef[] = []
  const store = server.service(mailStore)
  const account = (await server.service(directory).accountByAddress(ALICE))?.id as never
  const { id } = await store.mailbox(account, 'INBOX')
  for (const name of ['first', 'second', 'third']) {
    const bytes = Buffer.from(`Subject: ${name}\r\n\r\nbody of the ${name} message\r\n`)
    const blob = await server.service(blobStore).write(bytes)
    blobs.push(blob)
    await store.append(account, id, [{ blob, index: indexMessage(bytes), flags: [], internalDate: Date.now() }])
  }
  await server.stop()
  const needle = 'body of the second message'
  let flipped = 0
  for (const name of readdirSync(path, { recursive: true }).map(String)) {
    const file = join(path, name)
    if (!statSync(file).isFile()) continue
    const bytes = readFileSync(file)
    for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1)) {
      bytes[at] = (bytes[at] as number) ^ 1
      flipped += 1
      writeFileSync(file, bytes)
    }
  }
  expect(flipped).toBeGreaterThan(0)
  server = await start()
  return {
    server,
    blobs,
    async [Symbol.asyncDispose]() {
      await server.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** Says lines one after the other and collects the answers until the end of the connection. */
async function dialog(port: number, lines: readonly string[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  await once(socket, 'data')
  for (const line of lines) socket.write(`${line}\r\n`)
  await once(socket, 'close')
  return text
}

test('IMAP sends every message but the damaged one, and names that', async () => {
  await using damaged = await withDamage()
  const fetch = async (items: string) =>
    dialog(damaged.server.port('imap', { tls: true }), [
      '1 LOGIN alice@example.test secret',
      '2 SELECT INBOX',
      `3 FETCH 1:* ${items}`,
      '4 FETCH 2 ENVELOPE',
      '5 LOGOUT',
    ])
  for (const items of ['BODY.PEEK[]', '(UID BODY.PEEK[TEXT])', '(FLAGS BODY[])']) {
    const text = await fetch(items)
    expect(text).toContain('body of the first message')
    expect(text).toContain('body of the third message')
    expect(text).not.toMatch(/body of the .econd|cody of/)
    expect(text).toMatch(/^3 NO \[SERVERBUG\] Damaged and cannot be read: the message with UID 2;/m)
    // What is not in the bytes is there as ever.
    expect(text).toMatch(/^\* 2 FETCH \(ENVELOPE \(NIL "second"/m)
    expect(text).toMatch(/^4 OK/m)
  }
})

test('POP3 refuses the damaged message and gives the others', async () => {
  await using damaged = await withDamage()
  const text = await dialog(damaged.server.port('pop3', { tls: true }), [
    'USER alice@example.test',
    'PASS secret',
    'RETR 1',
    'RETR 2',
    'RETR 3',
    'QUIT',
  ])
  expect(text).toContain('body of the first message')
  expect(text).toMatch(/^-ERR \[SYS\/PERM\]/m)
  expect(text).toContain('body of the third message')
})

test('the queue gives a damaged message up with a report, and verify names it', async () => {
  await using damaged = await withDamage()
  const { server, blobs } = damaged
  await server.service(engine).transact([], async (tx) =>
    server.service(queue).enqueueIn(
      tx,
      {
        id: 'damaged-1' as never,
        envelope: { sender: ALICE, smtpUtf8: false, eightBit: false, requireTls: false },
        blob: blobs[1] as BlobRef,
        size: 40,
        arrivedAt: Date.now(),
        isReport: false,
      },
      [{ recipient: { address: parseAddress('carol@example.net') as never } }],
    ),
  )
  const kinds: string[] = []
  const context = server.service(storeContext)
  await verifyStore(context, {}, ({ kind, text }) => void kinds.push(`${kind}: ${text}`))
  expect(kinds).toEqual([expect.stringMatching(/^blob-damaged: the bytes of message 2 in INBOX .* are damaged/)])
  expect(await server.service(queue).bounce({}, 'it is damaged')).toBe(1)
  expect(await server.service(queue).count({})).toBe(0)
  const account = (await server.service(directory).accountByAddress(ALICE))?.id as never
  const store = server.service(mailStore)
  const { id } = await store.mailbox(account, 'INBOX')
  expect((await store.status(account, id)).messages).toBe(4)
  expect((await store.read(account, id, 4)).toString()).toContain('it is damaged')
})
