import { describe, expect, it } from 'vitest'
import { Offers } from '../../../plugins/imap/offer.ts'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail } from './support/imap-world.ts'

async function selected() {
  const world = await imapWorld()
  await world.deliver('INBOX', mail('one'), mail('two'), mail('three'), mail('four'))
  const client = await world.login()
  expect(await client.ok('ENABLE UIDONLY')).toEqual(['* ENABLED UIDONLY'])
  const told = await client.ok('SELECT INBOX')
  expect(told.join()).not.toContain('UNSEEN')
  expect(told).toContain('* 4 EXISTS')
  return { world, client }
}

describe('UIDONLY (RFC 9586)', () => {
  it.each([
    'FETCH 1:4 (FLAGS)',
    'STORE 1 +FLAGS (\\Seen)',
    'SEARCH ALL',
    'COPY 1 Sent',
    'MOVE 1 Sent',
    'SORT (DATE) UTF-8 ALL',
    'THREAD REFERENCES UTF-8 ALL',
    'REPLACE 1 INBOX {6+}\r\nA: b\r\n',
    'UID SEARCH 1:4',
    'UID SEARCH NOT (1 FLAGGED)',
    'UID SORT (DATE) UTF-8 1',
    'SELECT INBOX (QRESYNC (1 1 1:4 (1:4 1:4)))',
  ])('%s is refused', async (command) => {
    const { world, client } = await selected()
    await using _ = world
    await client.ok('ENABLE QRESYNC')
    expect(await client.command(command)).toEqual([expect.stringMatching(/^t\d+ BAD \[UIDREQUIRED\]/)])
    expect(await client.ok('STATUS INBOX (MESSAGES)')).toEqual(['* STATUS "INBOX" (MESSAGES 4)'])
  })

  it('is not asked of STOREs that come together either', async () => {
    const { world, client } = await selected()
    await using _ = world
    client.send(
      'a STORE 1 +FLAGS (x)\r\nb STORE 2 +FLAGS (x)\r\nc UID STORE 2 +FLAGS (x)\r\nd UID STORE 3 +FLAGS (x)\r\n',
    )
    const lines = await client.answer('d')
    expect(lines.filter((line) => !/FLAGS \(\\A|PERMANENT/.test(line))).toEqual([
      expect.stringMatching(/^a BAD \[UIDREQUIRED\]/),
      expect.stringMatching(/^b BAD \[UIDREQUIRED\]/),
      expect.stringMatching(/^\* 2 UIDFETCH \(FLAGS \(x \\Recent\)\)$/),
      expect.stringMatching(/^c OK/),
      expect.stringMatching(/^\* 3 UIDFETCH \(FLAGS \(x \\Recent\)\)$/),
      expect.stringMatching(/^d OK/),
    ])
  })

  it('answers with UIDFETCH and VANISHED', async () => {
    const { world, client } = await selected()
    await using _ = world
    await client.ok('UID STORE 1 +FLAGS.SILENT (\\Deleted)')
    expect(await client.ok('EXPUNGE')).toEqual(['* VANISHED 1'])
    expect(await client.ok('UID FETCH 2:* (FLAGS)')).toEqual([
      '* 2 UIDFETCH (FLAGS (\\Recent))',
      '* 3 UIDFETCH (FLAGS (\\Recent))',
      '* 4 UIDFETCH (FLAGS (\\Recent))',
    ])
    expect(await client.ok('UID FETCH 3 (UID RFC822.SIZE)')).toEqual([
      expect.stringMatching(/^\* 3 UIDFETCH \(UID 3 RFC822.SIZE \d+\)$/),
    ])
    expect((await client.ok('UID FETCH 3 BODY.PEEK[HEADER.FIELDS (Subject)]'))[0]).toBe(
      '* 3 UIDFETCH (BODY[HEADER.FIELDS (Subject)] {18}',
    )
    expect((await client.ok('UID FETCH 3 ENVELOPE'))[0]).toMatch(/^\* 3 UIDFETCH \(ENVELOPE \(/)
    expect((await client.ok('UID FETCH 3 BODY[]'))[0]).toMatch(/^\* 3 UIDFETCH \(FLAGS \(\\Seen \\Recent\) BODY\[\] \{/)
    expect(await client.ok('UID SEARCH UID 2:3')).toEqual(['* SEARCH 2 3'])
    expect((await client.ok('UID MOVE 2 Sent')).at(-1)).toBe('* VANISHED 2')
  })

  it('tells what others do by UID as well', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', mail('one'), mail('two'))
    await dialog(
      world,
      `# selected
       C: a ENABLE UIDONLY CONDSTORE
       S: ~ HIGHESTMODSEQ
       S: * ENABLED UIDONLY CONDSTORE
       S: a OK Enabled
       C2: b STORE 2 +FLAGS.SILENT (\\Flagged)
       S2: ~ b OK
       C: c NOOP
       S: ~ ^\\* 2 UIDFETCH \\(FLAGS \\(\\\\Flagged \\\\Recent\\) MODSEQ \\(\\d+\\)\\)$
       S: c OK Noop completed
       C2: d STORE 1 +FLAGS.SILENT (\\Deleted)
       S2: ~ d OK
       C2: e EXPUNGE
       S2: * 1 EXPUNGE
       S2: e OK Expunge completed
       C: f NOOP
       S: * VANISHED 1
       S: f OK Noop completed`,
    )
  })

  it('is gone with ENABLE', async () => {
    await using world = await imapWorld({ offers: new Offers(['ENABLE']) })
    const client = await world.login()
    expect((await client.ok('CAPABILITY')).join()).not.toContain('UIDONLY')
  })
})
