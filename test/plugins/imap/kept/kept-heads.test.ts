import { type BlobRef, MailError } from 'mailserver'
import { memoryBlobStore } from 'mailserver/testing'
import { expect, it } from 'vitest'
import { CacheBudget } from '../../../../plugins/imap/kept/cache-budget.ts'
import { KeptHeads } from '../../../../plugins/imap/kept/kept-heads.ts'
import { imapWorld, mail } from '../support/imap-world.ts'
import type { User } from '../support/test-directory.ts'

const FETCH = 'UID FETCH 1:* (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (Subject)])'
const subjectsOf = (lines: readonly string[]) => lines.filter((line) => line.startsWith('Subject')).join(' ')

/** A world that counts what is read of the store. */
async function counted() {
  const reads = { count: 0 }
  const world = await imapWorld({
    wrapStore: (store) => ({
      ...store,
      blobs(account, mailbox, uids) {
        reads.count += 1
        return store.blobs(account, mailbox, uids)
      },
    }),
    wrapBlobs: (blobs) => ({
      ...blobs,
      read(ref, range) {
        reads.count += 1
        return blobs.read(ref, range)
      },
      readRanges(wanted) {
        reads.count += 1
        return blobs.readRanges(wanted)
      },
    }),
  })
  return { world, reads }
}

it('reads nothing for headers that are asked for again, whoever asks and for what', async () => {
  const { world, reads } = await counted()
  await using _world = world
  await world.deliver('INBOX', mail('1'), mail('2'), mail('3'), mail('4'), mail('5'))
  const [one, two] = [await world.login(), await world.login()]
  for (const client of [one, two]) await client.ok('SELECT INBOX')
  const first = await one.ok(FETCH)
  expect(subjectsOf(first)).toBe('Subject: 1 Subject: 2 Subject: 3 Subject: 4 Subject: 5')
  expect(reads.count).toBeGreaterThan(0)
  const header = await two.ok('UID FETCH 1:* BODY.PEEK[HEADER]')
  reads.count = 0
  expect(await one.ok(FETCH)).toEqual(first)
  expect(await two.ok(FETCH)).toEqual(first)
  expect(await one.ok('UID FETCH 1:* BODY.PEEK[HEADER]')).toEqual(header)
  expect(await two.ok('SEARCH HEADER Subject 3')).toContain('* SEARCH 3')
  expect(reads.count).toBe(0)
  // What has come is read, and nothing else is.
  await world.deliver('INBOX', mail('6'))
  await one.ok('NOOP')
  expect(subjectsOf(await one.ok(FETCH))).toBe(`${subjectsOf(first)} Subject: 6`)
  expect(reads.count).toBe(2)
})

it('leaves out what is gone, and has \\Seen set all the same', async () => {
  const { world, reads } = await counted()
  await using _world = world
  await world.deliver('INBOX', mail('1'), mail('2'), mail('3'), mail('4'))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  for (const _turn of [1, 2]) await client.ok(FETCH)
  await client.ok('UID STORE 2 +FLAGS.SILENT (\\Deleted)')
  await client.ok('EXPUNGE')
  reads.count = 0
  expect(subjectsOf(await client.ok(FETCH))).toBe('Subject: 1 Subject: 3 Subject: 4')
  const seen = await client.ok('UID FETCH 3 BODY[HEADER.FIELDS (Subject)]')
  expect(seen[0]).toBe('* 2 FETCH (UID 3 FLAGS (\\Seen \\Recent) BODY[HEADER.FIELDS (Subject)] {14}')
  expect(reads.count).toBe(0)
})

it('gives each account its own, also on one connection', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('of alice'))
  const append = async (user: User) => {
    const client = await world.login(user)
    const octets = mail(`of ${user}`).replaceAll('\n', '\r\n')
    client.send(`a APPEND INBOX {${octets.length}+}\r\n${octets}\r\n`)
    for (let line = ''; !line.startsWith('a '); ) line = await client.line()
  }
  await append('bob')
  const client = await world.connect()
  for (const user of ['alice', 'bob', 'alice']) {
    await client.ok(`LOGIN ${user}@example.test secret`)
    await client.ok('SELECT INBOX')
    for (const _turn of [1, 2, 3]) expect(subjectsOf(await client.ok(FETCH))).toBe(`Subject: of ${user}`)
    await client.ok('UNAUTHENTICATE')
  }
})

it('keeps no more than there is room for, and of no header that goes on behind what is read', async () => {
  const blobs = memoryBlobStore()
  const refs: BlobRef[] = []
  for (const octets of [1000, 40_000, 1000, 1000, 32_768])
    refs.push(await blobs.write(Buffer.from(`X: ${'x'.repeat(octets - 3)}`)))
  let asked: readonly number[] = []
  const heads = new KeptHeads(
    new CacheBudget(3000),
    async (uids) => {
      asked = uids
      return uids.map((uid) => [uid, refs[uid - 1] as BlobRef])
    },
    () => 5,
  )
  const ask = async (...uids: number[]) => {
    asked = []
    const kept: number[] = []
    for await (const batch of heads.of(uids, blobs, () => {})) {
      for (const [uid, { octets, places }] of batch) {
        expect(octets.toString()).toMatch(/^X: x+$/)
        if (places !== undefined) kept.push(uid)
      }
    }
    return { asked, kept }
  }
  await ask(1, 2, 3, 4, 5)
  await ask(1, 2, 3, 4, 5)
  expect(await ask(1, 3)).toEqual({ asked: [], kept: [1, 3] })
  expect(await ask(1, 3, 4)).toEqual({ asked: [4], kept: [1, 3] })
  expect(await ask(1, 2, 3)).toEqual({ asked: [2], kept: [1, 3] })
  expect(await ask(1, 3, 5)).toEqual({ asked: [5], kept: [1, 3] })
  heads.clear()
  expect(await ask(1, 3)).toEqual({ asked: [1, 3], kept: [] })
})

it('tells of damage whenever a message is read', async () => {
  const blobs = memoryBlobStore()
  const refs = [await blobs.write(Buffer.from('A: 1\r\n\r\n')), await blobs.write(Buffer.from('A: 2\r\n\r\n'))]
  const heads = new KeptHeads(
    new CacheBudget(1e6),
    async (uids) => uids.map((uid) => [uid, refs[uid - 1] as BlobRef]),
    () => 2,
  )
  const broken = {
    ...blobs,
    read: (ref: BlobRef) => (ref === refs[1] ? Promise.reject(new MailError('CORRUPT', 'damaged')) : blobs.read(ref)),
  }
  for (let turn = 0; turn < 4; turn++) {
    const [damaged, found]: number[][] = [[], []]
    for await (const batch of heads.of([1, 2], broken, (uid) => void damaged?.push(uid))) {
      for (const [uid] of batch) found?.push(uid)
    }
    expect([damaged, found]).toEqual([[2], [1]])
  }
})
