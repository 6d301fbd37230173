import { engine, type MessageId, parseAddress, queue } from 'mailserver'
import { describe, expect, test } from 'vitest'
import { directoryCheck } from '../../src/directory/verify-directory.ts'
import { blobOwner, claimKey, dueKey, messageKey, recipientKey } from '../../src/queue/layout.ts'
import { queueCheck } from '../../src/queue/verify-queue.ts'
import { type BlobRef, blobStore } from '../../src/store/blob-store.ts'
import type { Key } from '../../src/store/engine.ts'
import { key, prefixRange } from '../../src/store/key.ts'
import { blobLinkKey } from '../../src/store/layout.ts'
import { storeContext } from '../../src/store/store-context.ts'
import { type Verified, verifyStore } from '../../src/store/verify/verify-store.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

const ID = 'queued-1' as MessageId

async function withQueued(): Promise<TestServer> {
  const server = await startTestServer()
  const bytes = Buffer.from('Subject: x\r\n\r\nhello\r\n')
  const blob = await server.service(blobStore).write(bytes)
  const recipients = ['carol@example.net', 'dave@example.net'].map((text) => ({
    recipient: { address: parseAddress(text) as NonNullable<ReturnType<typeof parseAddress>> },
  }))
  await server.service(engine).transact([], async (tx) =>
    server.service(queue).enqueueIn(
      tx,
      {
        id: ID,
        envelope: { sender: undefined, smtpUtf8: false, eightBit: false, requireTls: false },
        blob,
        size: bytes.length,
        arrivedAt: Date.now(),
        isReport: true,
      },
      recipients,
    ),
  )
  return server
}

async function check(server: TestServer, repair = false): Promise<Verified[]> {
  const findings: Verified[] = []
  const rooms = [directoryCheck, queueCheck]
  await verifyStore(server.service(storeContext), { repair, rooms }, (finding) => void findings.push(finding))
  return findings
}

async function write(server: TestServer, at: Key, value: Buffer | undefined): Promise<void> {
  await server.service(engine).transact([], async (tx) => (value === undefined ? tx.delete(at) : tx.put(at, value)))
}

async function keyOf(server: TestServer, ...prefix: string[]): Promise<Key> {
  for await (const batch of server.service(engine).scan(prefixRange(...prefix))) for (const [at] of batch) return at
  throw new Error(`there is no ${prefix}`)
}

const blobOf = async (server: TestServer): Promise<BlobRef> =>
  (await server.service(queue).list({})).entries[0]?.message.blob as BlobRef

const cases: readonly {
  readonly title: string
  readonly damage: (server: TestServer) => Promise<void>
  readonly kinds: readonly string[]
  readonly left?: readonly string[]
  readonly waiting?: number
}[] = [
  {
    title: 'an entry that is in no list of what is due',
    damage: async (server) => write(server, await keyOf(server, 'queue', 'due'), undefined),
    kinds: ['queue-due'],
    waiting: 2,
  },
  {
    title: 'a list that names an entry which is not there',
    damage: (server) => write(server, dueKey('example.org', 1, ID, 7), Buffer.alloc(0)),
    kinds: ['queue-due-stale'],
    waiting: 2,
  },
  {
    title: 'a claim of an entry that waits',
    damage: (server) => write(server, claimKey('gone', ID, 0), Buffer.alloc(8)),
    kinds: ['queue-claim-stale'],
    waiting: 2,
  },
  {
    title: 'an entry in delivery that nobody has',
    async damage(server) {
      const at = recipientKey(ID, 0)
      const stored = JSON.parse(String(await server.service(engine).get(at)))
      await write(server, at, Buffer.from(JSON.stringify({ ...stored, state: 'delivering', owner: 'gone' })))
      await write(server, dueKey('example.net', stored.dueAt, ID, 0), undefined)
    },
    kinds: ['queue-claim'],
    waiting: 2,
  },
  {
    title: 'an entry without its message',
    damage: (server) => write(server, messageKey(ID), undefined),
    kinds: ['queue-recipient-orphan', 'queue-recipient-orphan', 'link-orphan'],
    waiting: 0,
  },
  {
    title: 'an entry that cannot be read',
    damage: (server) => write(server, recipientKey(ID, 1), Buffer.from('{')),
    kinds: ['queue-recipient', 'queue-due-stale'],
    waiting: 1,
  },
  {
    title: 'a message that cannot be read',
    damage: (server) => write(server, messageKey(ID), Buffer.from('null!')),
    kinds: ['queue-message', 'link-orphan'],
    waiting: 0,
  },
  {
    title: 'a message without recipients',
    async damage(server) {
      for (const index of [0, 1]) {
        const at = recipientKey(ID, index)
        const { dueAt } = JSON.parse(String(await server.service(engine).get(at)))
        await write(server, at, undefined)
        await write(server, dueKey('example.net', dueAt, ID, index), undefined)
      }
    },
    kinds: ['queue-empty'],
  },
  {
    title: 'a message without a link to its bytes',
    damage: async (server) => write(server, blobLinkKey(await blobOf(server), blobOwner(ID)), undefined),
    kinds: ['queue-link'],
    waiting: 2,
  },
  {
    title: 'a message whose bytes are gone',
    damage: async (server) => server.service(blobStore).release(await blobOf(server)),
    kinds: ['queue-blob-missing'],
    left: ['queue-blob-missing'],
    waiting: 2,
  },
  {
    title: 'a login that is not found by its id',
    damage: async (server) => write(server, await keyOf(server, 'dir', 'id'), undefined),
    kinds: ['directory-id'],
  },
  {
    title: 'an id of a login that is gone',
    damage: (server) => write(server, key('dir', 'id', 'ghost'), Buffer.from('ghost@example.test')),
    kinds: ['directory-dangling'],
  },
  {
    title: 'an alias and a domain that cannot be read',
    async damage(server) {
      await write(server, key('dir', 'alias', 'x@example.test'), Buffer.from('{'))
      await write(server, key('dir', 'domain', 'example.org'), Buffer.from('[]'))
    },
    kinds: ['directory-alias', 'directory-domain'],
    left: ['directory-alias', 'directory-domain'],
  },
]

describe('verify names what is wrong in queue and directory, and repairs it', () => {
  test.each(cases)('$title', async ({ damage, kinds, left = [], waiting }) => {
    await using server = await withQueued()
    expect(await check(server)).toEqual([])
    await damage(server)
    expect((await check(server)).map(({ kind }) => kind).toSorted()).toEqual([...kinds].toSorted())
    await check(server, true)
    expect((await check(server)).map(({ kind }) => kind)).toEqual(left)
    if (waiting !== undefined)
      expect((await server.service(queue).list({ state: 'waiting' })).entries).toHaveLength(waiting)
  })
})
