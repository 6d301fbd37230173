import { expect, it } from 'vitest'
import { imapWorld, mail, PASSWORD, type World } from './support/imap-world.ts'
import type { TestClient } from './support/test-client.ts'

/** Sends each command, which may not be refused; the untagged lines of each, in one text. */
async function play(client: TestClient, ...commands: readonly string[]): Promise<string[]> {
  const answers: string[] = []
  for (const command of commands) answers.push((await client.ok(command)).join('\n'))
  return answers
}

async function idle(client: TestClient, meanwhile: () => Promise<unknown>): Promise<string> {
  client.send('i IDLE\r\n')
  expect(await client.line()).toMatch(/^\+ /)
  await meanwhile()
  const told = await client.line()
  client.send('DONE\r\n')
  await client.answer('i')
  return told
}

async function three(): Promise<World> {
  const world = await imapWorld()
  await world.deliver('INBOX', mail('1'), mail('2'), mail('3'))
  return world
}

const LOGIN = `AUTHENTICATE PLAIN ${Buffer.from(`\0alice@example.test\0${PASSWORD}`).toString('base64')}`

it('answers what Mail of iOS 26 opens with', async () => {
  await using world = await three()
  const client = await world.connect()
  const [, , , list, , search, fetched] = await play(
    client,
    LOGIN,
    'ID ("name" "com.apple.email.maild" "version" "3864.600.51.2.1" "os" "iOS" "os-version" "26.5 (23F77)" "vendor" "Apple Inc" "event" NIL)',
    'NAMESPACE',
    'LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ) SPECIAL-USE)',
    'SELECT "INBOX" (CONDSTORE)',
    'UID SEARCH RETURN (ALL) UID 1:*',
    'UID FETCH 1:3 (UID BODY.PEEK[]<0.393216>)',
  )
  expect(list).toContain('* STATUS "INBOX" (MESSAGES 3 UIDNEXT 4 UIDVALIDITY ')
  expect(search).toMatch(/^\* ESEARCH \(TAG "\w+"\) UID ALL 1:3$/)
  expect(fetched).toContain('* 3 FETCH (UID 3 BODY[]<0> {')
  expect(await idle(client, () => world.deliver('INBOX', mail('4')))).toBe('* 4 EXISTS')
  client.close()
})

it('answers what Mail of macOS does around IDLE: a mailbox is left, opened again and read from where it was', async () => {
  await using world = await three()
  const client = await world.connect()
  const opened = await play(
    client,
    'CAPABILITY',
    'ID ("name" "Mac OS X Mail" "version" "16.0 (3696.80.82.1.1)" "os" "Mac OS X" "os-version" "12.3 (21E230)" "vendor" "Apple Inc.")',
    LOGIN,
    'ENABLE QRESYNC',
    'SELECT INBOX (CONDSTORE)',
    'STATUS Sent (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)',
    'UID FETCH 1:3 (FLAGS UID)',
  )
  const modSeq = /HIGHESTMODSEQ (\d+)/.exec(opened.join('\n'))?.[1]
  const other = await world.login()
  await other.ok('SELECT INBOX')
  const change = async () => {
    await other.ok('STORE 1 +FLAGS (\\Deleted)')
    await other.ok('STORE 2 +FLAGS (\\Seen)')
  }
  expect(await idle(client, change)).toMatch(/^\* 1 FETCH \(UID 1 FLAGS \(\\Deleted/)
  await play(client, 'CHECK', 'NOOP', 'UNSELECT')
  await other.ok('EXPUNGE')
  const [, changed] = await play(
    client,
    'SELECT INBOX (CONDSTORE)',
    `UID FETCH 1:3 (FLAGS UID) (CHANGEDSINCE ${modSeq} VANISHED)`,
  )
  expect(changed).toMatch(/^\* VANISHED \(EARLIER\) 1\n\* 1 FETCH \(FLAGS \(\\Seen\) UID 2 MODSEQ \(\d+\)\)$/)
  client.close()
})

it('answers what Outlook does: flags by UID, RFC822 words, and a copy that is deleted and expunged', async () => {
  await using world = await three()
  const client = await world.connect()
  await play(
    client,
    'CAPABILITY',
    `LOGIN "alice@example.test" "${PASSWORD}"`,
    'NAMESPACE',
    'LIST "" ""',
    'LIST "" "*"',
    'LSUB "" "*"',
    'SELECT "INBOX"',
  )
  const [flags, headers, whole] = await play(
    client,
    'UID FETCH 1:* (UID FLAGS)',
    'UID FETCH 1:3 (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER] INTERNALDATE)',
    'UID FETCH 2 (UID RFC822.SIZE RFC822.peek)',
  )
  expect(flags).toBe([1, 2, 3].map((n) => `* ${n} FETCH (UID ${n} FLAGS (\\Recent))`).join('\n'))
  expect(headers).toMatch(
    /^\* 3 FETCH \(UID 3 FLAGS \(\\Recent\) RFC822\.SIZE \d+ INTERNALDATE "[^"]+" BODY\[HEADER\] \{\d+\}$/m,
  )
  expect(whole).toMatch(/^\* 2 FETCH \(UID 2 RFC822\.SIZE (\d+) RFC822 \{\1\}\n/)
  const [unread, , , , gone] = await play(
    client,
    'UID FETCH 2 (UID FLAGS)',
    'UID STORE 2 +FLAGS (\\Seen)',
    'UID COPY 3 "Trash"',
    'UID STORE 3 +FLAGS (\\Deleted \\Seen)',
    'EXPUNGE',
  )
  expect(unread).toBe('* 2 FETCH (UID 2 FLAGS (\\Recent))')
  expect(gone).toBe('* 3 EXPUNGE')
  expect(await idle(client, () => world.deliver('INBOX', mail('4')))).toBe('* 3 EXISTS')
  client.close()
})
