import { type BlobRef, MailError } from 'mailserver'
import { expect, test } from 'vitest'
import { Pop3Client } from './pop3-client.ts'
import { ALICE, startPop3 } from './pop3-host.ts'

/** Some too large to be read ahead, most small. */
const MESSAGES = Array.from(
  { length: 90 },
  (_, at) => `Subject: ${at + 1}\r\n\r\n${'x\r\n'.repeat(at % 30 === 20 ? 100_000 : at * 40)}`,
)

test('messages that are retrieved in order are read together, and come out as they went in', async () => {
  const reads: number[] = []
  await using host = await startPop3({
    wrapStore: (store) => ({
      ...store,
      read: (...args) => {
        reads.push(args[2])
        return store.read(...args)
      },
    }),
  })
  await host.deliver(MESSAGES)
  using client = await Pop3Client.login(host)
  for (const [at, message] of MESSAGES.entries()) {
    expect((await client.lines(`RETR ${at + 1}`)).body, `${at + 1}`).toBe(message)
  }
  // The first few, those before one that is streamed, and the last.
  expect(reads.slice(0, 4)).toEqual([1, 2, 3, 4])
  expect(reads.length).toBeLessThan(10)
  reads.length = 0
  for (const number of [40, 7, 41, 42, 7, 43]) {
    expect((await client.lines(`RETR ${number}`)).body).toBe(MESSAGES[number - 1])
  }
  expect(reads).toEqual([40, 7, 41, 42, 7, 43])
})

test('a message that cannot be read is refused when its turn comes, and the next ones are read', async () => {
  await using host = await startPop3({
    wrapStore: (store) => ({
      ...store,
      read: (...args) =>
        args[2] === 12 ? Promise.reject(new MailError('CORRUPT', 'a checksum does not match')) : store.read(...args),
      blobs: async (...args) =>
        (await store.blobs(...args)).map(([uid, blob]) => [uid, uid === 12 ? ('gone' as BlobRef) : blob] as const),
    }),
  })
  await host.deliver(MESSAGES.slice(0, 20))
  using client = await Pop3Client.login(host)
  for (let number = 1; number <= 20; number++) {
    const { status, body } = await client.lines(`RETR ${number}`)
    if (number === 12) expect(status).toBe('-ERR [SYS/PERM] Message cannot be read')
    else expect(body).toBe(MESSAGES[number - 1])
  }
})

test('messages that another client has taken away are refused, and all others read', async () => {
  await using host = await startPop3()
  const uids = await host.deliver(MESSAGES.slice(0, 20))
  using client = await Pop3Client.login(host)
  const { id } = await host.store.mailbox(ALICE, 'INBOX')
  await host.store.expunge(ALICE, id, uids.slice(8, 10))
  for (let number = 1; number <= 20; number++) {
    const { status, body } = await client.lines(`RETR ${number}`)
    if (number === 9 || number === 10) expect(status).toMatch(/^-ERR/)
    else expect(body).toBe(MESSAGES[number - 1])
  }
})
