import { expect, it } from 'vitest'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail } from './support/imap-world.ts'

it('stores flags in every way (RFC 3501 section 6.4.6)', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('one'), mail('two'), mail('three'))
  await dialog(
    world,
    `
    # selected
    C: a1 STORE 1:2 +FLAGS (\\Deleted)
    S: * 1 FETCH (FLAGS (\\Deleted \\Recent))
    S: * 2 FETCH (FLAGS (\\Deleted \\Recent))
    S: a1 OK Store completed
    C: a2 STORE 2 FLAGS \\Seen \\Flagged
    S: * 2 FETCH (FLAGS (\\Seen \\Flagged \\Recent))
    S: a2 OK Store completed
    C: a3 UID STORE 2 -FLAGS.SILENT (\\flagged)
    S: a3 OK Store completed
    C: a4 STORE 3 +FLAGS ($Forwarded NonJunk)
    S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded NonJunk)
    S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded NonJunk \\*)] Flags permitted
    S: * 3 FETCH (FLAGS ($Forwarded NonJunk \\Recent))
    S: a4 OK Store completed
    C: a5 FETCH 1:* FLAGS
    S: * 1 FETCH (FLAGS (\\Deleted \\Recent))
    S: * 2 FETCH (FLAGS (\\Seen \\Recent))
    S: * 3 FETCH (FLAGS ($Forwarded NonJunk \\Recent))
    S: a5 OK Fetch completed
    C: a6 STORE 1 FLAGS (\\Recent)
    S: a6 BAD No such system flag
    C: a7 STORE 1 FLAGS (\\Funny)
    S: a7 BAD No such system flag
    C: a8 STORE 4 FLAGS (\\Seen)
    S: a8 BAD No such message sequence number
    C: a9 UID STORE 99 FLAGS (\\Seen)
    S: a9 OK Store completed
    C: a10 STORE 1 FLAGS ()
    S: * 1 FETCH (FLAGS (\\Recent))
    S: a10 OK Store completed
    C: a11 STORE 1 LABELS (a)
    S: a11 BAD FLAGS expected
  `,
  )
})

it('expunges with the numbers of the moment (RFC 3501 section 7.4.1)', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', ...['1', '2', '3', '4', '5'].map((subject) => mail(subject)))
  await dialog(
    world,
    `
    # selected
    C: a1 STORE 2,3,5 +FLAGS.SILENT (\\Deleted)
    S: a1 OK Store completed
    C: a2 UID EXPUNGE 1:2,5
    S: * 5 EXPUNGE
    S: * 2 EXPUNGE
    S: a2 OK Expunge completed
    C: a3 EXPUNGE
    S: * 2 EXPUNGE
    S: a3 OK Expunge completed
    C: a4 FETCH 1:* UID
    S: * 1 FETCH (UID 1)
    S: * 2 FETCH (UID 4)
    S: a4 OK Fetch completed
    C: a5 EXPUNGE
    S: a5 OK Expunge completed
    C: a6 UID FETCH 1:100 UID
    S: * 1 FETCH (UID 1)
    S: * 2 FETCH (UID 4)
    S: a6 OK Fetch completed
  `,
  )
})

it('removes silently at CLOSE and nothing at UNSELECT', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('1'), mail('2'))
  await dialog(
    world,
    `
    # selected
    C: a1 STORE 1 +FLAGS.SILENT (\\Deleted)
    S: a1 OK Store completed
    C: a2 UNSELECT
    S: a2 OK Unselected
    C: a3 STATUS INBOX (MESSAGES)
    S: * STATUS "INBOX" (MESSAGES 2)
    S: a3 OK Status completed
    C: a4 SELECT INBOX
    S: ~ FLAGS
    S: ~ PERMANENTFLAGS
    S: * 2 EXISTS
    S: * 0 RECENT
    S: * OK [UNSEEN 1] First unseen
    S: ~ UIDVALIDITY
    S: ~ HIGHESTMODSEQ
    S: ~ UIDNEXT
    S: ~ MAILBOXID
    S: a4 OK [READ-WRITE] Selected
    C: a5 CLOSE
    S: a5 OK Closed
    C: a6 STATUS INBOX (MESSAGES)
    S: * STATUS "INBOX" (MESSAGES 1)
    S: a6 OK Status completed
  `,
  )
})

it('copies and moves, and names the new UIDs (RFC 4315, RFC 6851)', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', ...['1', '2', '3', '4'].map((subject) => mail(subject)))
  await dialog(
    world,
    `
    # selected
    C: a1 STORE 2 +FLAGS.SILENT (\\Flagged)
    S: a1 OK Store completed
    C: a2 COPY 2:3 Sent
    S: ~ ^a2 OK \\[COPYUID \\d+ 2:3 1:2\\] Copy completed$
    C: a3 COPY 1 Nowhere
    S: a3 NO [TRYCREATE] There is no such mailbox; create it first
    C: a4 UID COPY 77 Sent
    S: a4 OK No messages
    C: a5 MOVE 1,4 Sent
    S: ~ ^\\* OK \\[COPYUID \\d+ 1,4 3:4\\] Moved$
    S: * 4 EXPUNGE
    S: * 1 EXPUNGE
    S: a5 OK Move completed
    C: a6 UID MOVE 2 INBOX
    S: a6 NO [CANNOT] The messages are in this mailbox already
    C: a7 UID MOVE 2 Trash
    S: ~ ^\\* OK \\[COPYUID \\d+ 2 1\\] Moved$
    S: * 1 EXPUNGE
    S: a7 OK Move completed
    C: a8 COPY 1 INBOX
    S: * 2 EXISTS
    S: * 2 RECENT
    S: ~ ^a8 OK \\[COPYUID \\d+ 3 5\\] Copy completed$
    C: a9 EXAMINE Trash
    S: ~ FLAGS
    S: ~ PERMANENTFLAGS
    S: * 1 EXISTS
    S: * 1 RECENT
    S: ~ UNSEEN
    S: ~ UIDVALIDITY
    S: ~ HIGHESTMODSEQ
    S: ~ UIDNEXT
    S: ~ MAILBOXID
    S: a9 OK [READ-ONLY] Examined
    C: a10 FETCH 1 FLAGS
    S: * 1 FETCH (FLAGS (\\Flagged \\Recent))
    S: a10 OK Fetch completed
    C: a11 MOVE 1 INBOX
    S: a11 NO [READ-ONLY] Mailbox is read-only
  `,
  )
})

it('takes the recent messages for the first session that sees them (RFC 3501 section 2.3.2)', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('1'))
  const first = await world.login()
  expect(await first.ok('EXAMINE INBOX')).toContain('* 1 RECENT')
  expect(await first.ok('SELECT INBOX')).toContain('* 1 RECENT')
  const second = await world.login()
  expect(await second.ok('SELECT INBOX')).toContain('* 0 RECENT')
  expect(await second.ok('FETCH 1 FLAGS')).toEqual(['* 1 FETCH (FLAGS ())'])
  expect(await first.ok('SEARCH RECENT')).toEqual(['* SEARCH 1'])
  expect(await second.ok('SEARCH OLD')).toEqual(['* SEARCH 1'])
  await world.deliver('INBOX', mail('2'))
  expect(await first.ok('NOOP')).toEqual(['* 2 EXISTS', '* 2 RECENT'])
  expect(await second.ok('NOOP')).toEqual(['* 2 EXISTS', '* 0 RECENT'])
})

it('appends with flags and date, and names the UID', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  const text = 'Subject: hi\r\n\r\nbody\r\n'
  client.send(`a1 APPEND Drafts (\\Draft \\Seen) " 7-Feb-1994 22:43:04 -0800" {${text.length}}\r\n`)
  expect(await client.line()).toBe('+ Ready for literal data')
  client.send(`${text}\r\n`)
  expect(await client.line()).toMatch(/^a1 OK \[APPENDUID \d+ 1\] Append completed$/)
  await client.ok('SELECT Drafts')
  expect(await client.ok('FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)')).toEqual([
    `* 1 FETCH (FLAGS (\\Seen \\Draft \\Recent) INTERNALDATE " 8-Feb-1994 06:43:04 +0000" RFC822.SIZE ${text.length})`,
  ])
  // To the selected mailbox, without waiting, the mailbox named by a literal.
  client.send(`a2 APPEND {6+}\r\nDrafts {${text.length}+}\r\n${text}\r\n`)
  expect(await client.answer('a2')).toEqual([
    '* 2 EXISTS',
    '* 2 RECENT',
    expect.stringMatching(/^a2 OK \[APPENDUID \d+ 2\]/),
  ])
  expect(world.blobs.count).toBe(2)
})

it('keeps any date that can be written', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  await client.ok('SELECT Drafts')
  for (const date of ['01-Jan-1960 00:00:00 +0000', '31-Dec-9999 23:59:59 +0000', '01-Jan-0001 00:00:00 +0000']) {
    await client.ok(`APPEND Drafts "${date}" {3+}\r\nabc`)
    expect(await client.ok('FETCH * INTERNALDATE')).toEqual([
      expect.stringContaining(`INTERNALDATE "${date.replace(/^0/, ' ')}"`),
    ])
  }
})

it('appends several messages or none (RFC 3502)', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  client.send(
    'a1 APPEND Sent (\\Seen) {5+}\r\n1\r\n\r\n {5+}\r\n2\r\n\r\n "01-Jan-2026 00:00:00 +0000" {5+}\r\n3\r\n\r\n\r\n',
  )
  expect(await client.line()).toMatch(/^a1 OK \[APPENDUID \d+ 1:3\] Append completed$/)
  client.send('a2 APPEND Sent {5+}\r\n1\r\n\r\n (\\Wrong) {5+}\r\n2\r\n\r\n\r\n')
  expect(await client.line()).toBe('a2 BAD No such system flag')
  expect(await client.ok('STATUS Sent (MESSAGES)')).toEqual(['* STATUS "Sent" (MESSAGES 3)'])
  expect(world.blobs.count).toBe(3)
})

it('refuses an APPEND before its literal, and reads past one it cannot stop', async () => {
  await using world = await imapWorld({ messageBytes: 1000 })
  await world.store.setQuota(world.account, { maxBytes: 500 })
  const client = await world.login()
  client.send('a1 APPEND Nowhere {10}\r\n')
  expect(await client.line()).toBe('a1 NO [TRYCREATE] There is no such mailbox; create it first')
  client.send('a2 APPEND INBOX {1001}\r\n')
  expect(await client.line()).toBe('a2 NO [TOOBIG] Message is too large')
  client.send('a3 APPEND INBOX {501}\r\n')
  expect(await client.line()).toBe('a3 NO [OVERQUOTA] Quota exceeded')
  client.send(`a4 APPEND INBOX {600+}\r\n${'x'.repeat(600)}\r\na5 NOOP\r\n`)
  expect(await client.line()).toBe('a4 NO [OVERQUOTA] Quota exceeded')
  expect(await client.line()).toBe('a5 OK Noop completed')
  client.send('a6 APPEND INBOX (\\Bogus) {3+}\r\nabc\r\n')
  expect(await client.line()).toBe('a6 BAD No such system flag')
  client.send('a7 APPEND INBOX {0+}\r\n\r\n')
  expect(await client.line()).toBe('a7 NO [CANNOT] A message has at least one octet')
  client.send('a8 APPEND INBOX\r\n')
  expect(await client.line()).toBe('a8 BAD Message literal expected')
  client.send('a9 APPEND INBOX {3+}\r\nabc trailing\r\n')
  expect(await client.line()).toBe('a9 BAD Too many arguments')
  expect(world.blobs.count).toBe(0)
})

it('answers STOREs that come in one packet in their order, each as if it had come alone', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('one'), mail('two'), mail('three'))
  const client = await world.login()
  const other = await world.login()
  await client.ok('SELECT INBOX')
  await other.ok('SELECT INBOX')
  await other.ok('STORE 3 +FLAGS.SILENT (\\Deleted)')
  await other.ok('EXPUNGE')
  client.send(
    [
      'a1 STORE 1 +FLAGS (\\Seen)',
      'a2 STORE 1:2 -FLAGS (\\Seen)',
      'a3 STORE 9 +FLAGS (\\Seen)',
      'a4 STORE 1:3 +FLAGS (\\Answered)',
      'a5 STORE 2 +FLAGS.SILENT (Work)',
      'a6 store 1 FLAGS (\\Draft)',
      'a7 UID STORE 1 +FLAGS (\\Flagged)',
      'a8 UID STORE 1,77 +FLAGS (\\Seen)',
      'a9 UID STORE 2 -FLAGS (\\Answered)',
      'a10 NOOP',
      '',
    ].join('\r\n'),
  )
  const lines: string[] = []
  for (let line = await client.line(); ; line = await client.line()) {
    lines.push(line)
    if (line.startsWith('a10 ')) break
  }
  expect(lines).toEqual([
    '* 1 FETCH (FLAGS (\\Seen \\Recent))',
    'a1 OK Store completed',
    '* 1 FETCH (FLAGS (\\Recent))',
    '* 2 FETCH (FLAGS (\\Recent))',
    'a2 OK Store completed',
    'a3 BAD No such message sequence number',
    '* 1 FETCH (FLAGS (\\Answered \\Recent))',
    '* 2 FETCH (FLAGS (\\Answered \\Recent))',
    'a4 NO [EXPUNGEISSUED] Some of the messages are gone',
    '* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft Work)',
    '* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft Work \\*)] Flags permitted',
    'a5 OK Store completed',
    '* 1 FETCH (FLAGS (\\Draft \\Recent))',
    'a6 OK Store completed',
    '* 1 FETCH (UID 1 FLAGS (\\Flagged \\Draft \\Recent))',
    'a7 OK Store completed',
    '* 1 FETCH (UID 1 FLAGS (\\Seen \\Flagged \\Draft \\Recent))',
    '* 3 EXPUNGE',
    'a8 OK Store completed',
    '* 2 FETCH (UID 2 FLAGS (Work \\Recent))',
    'a9 OK Store completed',
    'a10 OK Noop completed',
  ])
})

it('stores a long row of flags that comes at once, whatever the packets are', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', ...Array.from({ length: 20 }, (_, at) => mail(`m${at}`)))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  const commands = Array.from({ length: 900 }, (_, at) => `s${at} STORE ${1 + (at % 20)} FLAGS.SILENT (k${at})\r\n`)
  const text = commands.join('')
  for (let at = 0; at < text.length; at += 7001) client.send(text.slice(at, at + 7001))
  const tags: string[] = []
  while (tags.length < commands.length) {
    const line = await client.line()
    if (line.startsWith('s')) tags.push(line)
  }
  expect(tags).toEqual(commands.map((_, at) => `s${at} OK Store completed`))
  const flags = await client.ok('FETCH 1:* FLAGS')
  expect(flags).toEqual(Array.from({ length: 20 }, (_, at) => `* ${at + 1} FETCH (FLAGS (k${880 + at} \\Recent))`))
})
