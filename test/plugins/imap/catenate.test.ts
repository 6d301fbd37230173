import { describe, expect, it } from 'vitest'
import { Offers } from '../../../plugins/imap/offer.ts'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail } from './support/imap-world.ts'

const BOUNDARY = '------------030308070208000400050907'
const PIC = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQMAAAAl21bKAAAAA1BMVEUAAACnej3aAAAAAXRSTlMA'
const MULTIPART = [
  'From: Bob <bob@example.test>',
  'Subject: with a picture',
  'MIME-Version: 1.0',
  `Content-Type: multipart/mixed; boundary="${BOUNDARY.slice(2)}"`,
  '',
  BOUNDARY,
  'Content-Type: text/plain',
  '',
  'Hello.',
  BOUNDARY,
  'Content-Type: image/png',
  'Content-Transfer-Encoding: base64',
  '',
  PIC,
  `${BOUNDARY}--`,
  '',
].join('\r\n')

/** What a new message is made of. */
async function body(client: { ok(text: string): Promise<string[]> }, uid: number): Promise<string> {
  const lines = await client.ok(`UID FETCH ${uid} BODY.PEEK[]`)
  return lines.slice(1).join('\r\n').slice(0, -1)
}

describe('APPEND with CATENATE (RFC 4469)', () => {
  it('replaces an attachment without its octets being sent, as the first example does', async () => {
    await using world = await imapWorld()
    await world.deliver('Drafts', MULTIPART, mail('other', 'The new text.'))
    const client = await world.login()
    await client.ok('SELECT Drafts')
    const { uidValidity } = await world.store.mailbox(world.account, 'Drafts')
    const at = `/Drafts;UIDVALIDITY=${uidValidity}/`
    client.send(
      `A003 APPEND Drafts (\\Seen \\Draft $MDNSent) CATENATE (URL "${at};UID=1/;section=HEADER" TEXT {42}\r\n`,
    )
    expect(await client.line()).toMatch(/^\+ /)
    const first = `\r\n${BOUNDARY}\r\n`
    client.send(
      `${first.padEnd(42, ' ')} URL "${at};UID=1/;section=1.MIME" URL "${at};UID=2/;SECTION=TEXT" TEXT {44}\r\n`,
    )
    expect(await client.line()).toMatch(/^\+ /)
    client.send(`\r\n${BOUNDARY}--\r\n`.padEnd(44, ' '))
    client.send(')\r\n')
    expect((await client.answer('A003')).at(-1)).toMatch(/^A003 OK \[APPENDUID \d+ 3\] Append completed$/)
    const made = await body(client, 3)
    expect(made).toContain('Subject: with a picture')
    expect(made).toContain(`${BOUNDARY}\r\n`)
    expect(made).toContain('Content-Type: text/plain\r\n\r\nThe new text.')
    expect((await client.ok('UID FETCH 3 FLAGS')).join()).toMatch(/\\Draft/)
  })

  it('takes texts alone, and several messages with and without it', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', MULTIPART)
    const client = await world.login()
    await client.ok('SELECT INBOX')
    await client.ok('APPEND INBOX CATENATE (TEXT {6+}\r\nA: b\r\n TEXT {2+}\r\n\r\n TEXT {1+}\r\nx)')
    expect(await body(client, 2)).toBe('A: b\r\n\r\nx')
    await client.ok(
      'APPEND INBOX (\\Seen) CATENATE (URL ";UID=2" TEXT {3+}\r\nend) {8+}\r\nB: c\r\n\r\n ' +
        '"01-Jan-2026 10:00:00 +0000" CATENATE (URL {24+}\r\n/INBOX/;UID=1/;SECTION=2)',
    )
    expect([await body(client, 3), await body(client, 4), await body(client, 5)]).toEqual([
      'A: b\r\n\r\nxend',
      'B: c\r\n\r\n',
      PIC,
    ])
    expect((await client.ok('FETCH 3:5 (FLAGS INTERNALDATE)')).join()).toMatch(/Seen.* 1-Jan-2026 10:00/)
  })

  it('takes a message that is made of URLs alone, which has no literal', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', MULTIPART)
    const client = await world.login()
    await client.ok('SELECT INBOX')
    await client.ok('APPEND Sent CATENATE (URL "/INBOX/;UID=1/;SECTION=HEADER" URL ";UID=1/;SECTION=2")')
    await client.ok(
      'APPEND Sent CATENATE (URL "imap://alice%40example.test;AUTH=*@mail.example.test/INBOX/;UID=1") CATENATE (URL "/inbox/;uid=1/;section=HEADER.FIELDS%20(Subject)")',
    )
    await client.ok('SELECT Sent')
    expect(await body(client, 1)).toBe(`${MULTIPART.slice(0, MULTIPART.indexOf('\r\n\r\n') + 4)}${PIC}`)
    expect(await body(client, 2)).toBe(MULTIPART)
    expect(await body(client, 3)).toBe('Subject: with a picture\r\n\r\n')
  })

  it('takes a part of a part (URL-PARTIAL)', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', MULTIPART)
    const client = await world.login()
    await client.ok(
      'APPEND Sent CATENATE (TEXT {4+}\r\n\r\n\r\n URL "/INBOX/;UID=1/;SECTION=2/;PARTIAL=2.6" URL "/INBOX/;UID=1/;SECTION=2/;PARTIAL=70")',
    )
    await client.ok('SELECT Sent')
    expect(await body(client, 1)).toBe(`\r\n\r\n${PIC.slice(2, 8)}${PIC.slice(70)}`)
  })

  it.each([
    '/INBOX/;UID=99',
    '/Nowhere/;UID=1',
    '/INBOX;UIDVALIDITY=1/;UID=1',
    '/INBOX/;UID=1/;SECTION=7',
    '/INBOX/;UID=1/;SECTION=1.HEADER',
    '/INBOX/;UID=0',
    '/INBOX/;UID=1?SUBJECT',
    '/INBOX/;UID=1;URLAUTH=anonymous:internal:91354a473744909de610943775f92038',
    '/INBOX/;UID=1/;SECTION=%zz',
    '/%ff/;UID=1',
    ';UID=1',
    'imap://elsewhere.example/INBOX/;UID=1',
    'imap://bob@mail.example.test/INBOX/;UID=1',
    'http://mail.example.test/INBOX/;UID=1',
    'x',
  ])('says which URL has nothing behind it: %s', async (url) => {
    await using world = await imapWorld()
    await world.deliver('INBOX', MULTIPART)
    const client = await world.login()
    const before = world.blobs.count
    const [answer] = await client.command(
      `APPEND INBOX CATENATE (TEXT {6+}\r\nA: b\r\n URL "${url}" TEXT {4+}\r\nabcd)`,
    )
    expect(answer).toBe(`t2 NO [BADURL "${url}"] There is nothing at that URL`)
    expect(await client.ok('STATUS INBOX (MESSAGES)')).toEqual(['* STATUS "INBOX" (MESSAGES 1)'])
    expect(world.blobs.count).toBe(before)
  })

  it('asks for no more of a message that fails, and names no octet that breaks a response', async () => {
    await using world = await imapWorld()
    await dialog(
      world,
      `C: a APPEND INBOX CATENATE (URL "/IN]\\"BOX/;UID=1" TEXT {42}
       S: a NO [BADURL "/IN%5D%22BOX/;UID=1"] There is nothing at that URL
       C: b NOOP
       S: b OK Noop completed`,
    )
  })

  it.each([
    'CATENATE ()',
    'CATENATE (URL)',
    'CATENATE (URL "/INBOX/;UID=1"',
    'CATENATE (URL "/INBOX/;UID=1") x',
    'CATENATE (TEXT "abc")',
    'CATENATE (FILE "abc")',
    'CATENATE(URL "/INBOX/;UID=1")',
    'CATENATE (URL "/INBOX/;UID=1" )',
    'CATENATE (TEXT {2+}\r\nab',
    'CATENATE (UTF8 (~{2+}\r\nab))',
  ])('%j is no syntax of it', async (rest) => {
    await using world = await imapWorld()
    await world.deliver('INBOX', MULTIPART)
    const client = await world.login()
    expect((await client.command(`APPEND INBOX ${rest}`)).at(-1)).toMatch(/^t2 BAD /)
    expect(await client.ok('STATUS INBOX (MESSAGES)')).toEqual(['* STATUS "INBOX" (MESSAGES 1)'])
    expect(world.blobs.count).toBe(1)
  })

  it('counts what the URLs bring for the size of a message and the quota', async () => {
    await using world = await imapWorld({ messageBytes: 1000 })
    await world.deliver('INBOX', mail('one', 'x'.repeat(600)))
    const client = await world.login()
    const [answer] = await client.command('APPEND INBOX CATENATE (URL "/INBOX/;UID=1" URL "/INBOX/;UID=1")')
    expect(answer).toMatch(/NO \[TOOBIG\]/)
    const quota = await world.store.quota(world.account)
    await world.store.setQuota(world.account, { maxBytes: quota.usedBytes + 900 })
    expect((await client.command('APPEND INBOX CATENATE (URL "/INBOX/;UID=1")')).at(-1)).toMatch(/ OK /)
    expect((await client.command('APPEND INBOX CATENATE (URL "/INBOX/;UID=1")')).at(-1)).toMatch(/NO \[OVERQUOTA\]/)
  })

  it('reads large pieces in small ones', async () => {
    const large = Buffer.concat([Buffer.from('Subject: large\r\n\r\n'), Buffer.alloc(3_000_000, 'abcdefg\r\n')])
    await using world = await imapWorld()
    await world.deliver('INBOX', large)
    const client = await world.login()
    await client.ok('APPEND INBOX CATENATE (URL "/INBOX/;UID=1" URL "/INBOX/;UID=1/;SECTION=TEXT")')
    await client.ok('SELECT INBOX')
    expect(await client.ok('FETCH 2 RFC822.SIZE')).toEqual([`* 2 FETCH (RFC822.SIZE ${large.length + 3_000_000})`])
  })

  it('reads only what the user may read', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', MULTIPART)
    const bob = await world.login('bob')
    const append = 'APPEND INBOX CATENATE (URL "/Other%20Users/alice%40example.test/INBOX/;UID=1")'
    expect((await bob.command(append)).at(-1)).toMatch(/NO \[BADURL/)
    await world.share('bob', 'l')
    expect((await bob.command(append)).at(-1)).toMatch(/NO \[BADURL/)
    await world.share('bob', 'lr')
    expect((await bob.command(append)).at(-1)).toMatch(/ OK /)
  })

  it('is what REPLACE takes as well, and pieces in UTF-8', async () => {
    await using world = await imapWorld()
    await world.deliver('Drafts', MULTIPART)
    const client = await world.login()
    await client.ok('ENABLE UTF8=ACCEPT')
    await client.ok('SELECT Drafts')
    expect(
      await client.ok('REPLACE 1 Drafts CATENATE (URL ";UID=1/;SECTION=HEADER" URL ";UID=1/;SECTION=1")'),
    ).toContain('* 1 EXPUNGE')
    expect((await body(client, 2)).endsWith('Hello.')).toBe(true)
    await client.ok('UID REPLACE 2 Drafts CATENATE (UTF8 (~{13+}\r\nSubject: \xc3\xa4\r\n) TEXT {2+}\r\nab)')
    expect(await body(client, 3)).toBe('Subject: \xc3\xa4\r\nab')
    expect((await client.command('REPLACE 1 Drafts')).at(-1)).toMatch(/BAD/)
  })

  it('is not there when it is switched off', async () => {
    await using world = await imapWorld({ offers: new Offers(['CATENATE']) })
    const client = await world.login()
    expect((await client.command('APPEND INBOX {4+}\r\nA: b CATENATE (TEXT {1+}\r\na)')).at(-1)).toMatch(/BAD/)
  })
})
