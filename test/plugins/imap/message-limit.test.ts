import { describe, expect, it } from 'vitest'
import { AskedBatches } from '../../../plugins/imap/asked-batches.ts'
import { imapOptions, limitsOf } from '../../../plugins/imap/options.ts'
import { imapWorld, mail } from './support/imap-world.ts'

async function limited(messages: number, saves = 0) {
  const world = await imapWorld({ limits: { messages, saves } })
  await world.deliver('INBOX', mail('one'), mail('two'), mail('three'), mail('four'), mail('five'))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  return { world, client }
}

describe('MESSAGELIMIT (RFC 9738)', () => {
  it('is shown when it is set', async () => {
    const { world, client } = await limited(2, 1)
    await using _ = world
    expect((await client.ok('CAPABILITY')).join()).toMatch(/ MESSAGELIMIT=2 SAVELIMIT=1 /)
    await using free = await imapWorld()
    expect((await (await free.login()).ok('CAPABILITY')).join()).not.toMatch(/MESSAGELIMIT|SAVELIMIT/)
    expect(limitsOf(imapOptions.parse({ limits: { messages: 1000, saves: 100 } }))).toMatchObject({
      messages: 1000,
      saves: 100,
    })
    expect(imapOptions.safeParse({ limits: { messages: 0 } }).success).toBe(false)
  })

  it('works on the newest messages, and says how far it came', async () => {
    const { world, client } = await limited(2)
    await using _ = world
    expect((await client.command('FETCH 1:4 UID')).map((line) => line.replace(/^t\d+/, 't'))).toEqual([
      '* 4 FETCH (UID 4)',
      '* 3 FETCH (UID 3)',
      't OK [MESSAGELIMIT 2 3] Fetch completed',
    ])
    expect((await client.command('FETCH 4:5 UID')).at(-1)).toMatch(/OK Fetch/)
    expect((await client.command('UID SEARCH ALL')).map((line) => line.replace(/^t\d+/, 't'))).toEqual([
      '* SEARCH 4 5',
      't OK [MESSAGELIMIT 2 4] Search completed',
    ])
    expect((await client.command('UID SEARCH UIDBEFORE 4')).at(0)).toBe('* SEARCH 2 3')
    expect((await client.command('UID SEARCH UIDBEFORE 2')).at(0)).toBe('* SEARCH 1')
    expect((await client.command('UID SEARCH UIDAFTER 4')).at(0)).toBe('* SEARCH 5')
    expect((await client.command('UID SEARCH OR UIDAFTER 4294967295 UIDBEFORE 1')).at(0)).toBe('* SEARCH')
    expect((await client.command('STORE 1:* +FLAGS.SILENT (\\Deleted)')).at(-1)).toMatch(
      /OK \[MESSAGELIMIT 2 4\] Store/,
    )
    await client.ok('STORE 3 +FLAGS.SILENT (\\Deleted)')
    expect((await client.command('UID EXPUNGE 1:*')).at(-1)).toMatch(/OK \[MESSAGELIMIT 2 4\] Expunge/)
    expect(await client.ok('EXPUNGE')).toEqual(['* 3 EXPUNGE'])
  })

  it.each([
    ['FLAGS'],
    ['EMAILID'],
    ['ENVELOPE'],
    ['BODY.PEEK[]'],
    ['BODY.PEEK[HEADER.FIELDS (Subject)]'],
    ['BODY.PEEK[TEXT]<0.1>'],
    ['BODY[]'],
    ['BODY[HEADER]'],
    ['(ENVELOPE BODY[TEXT])'],
  ])('sends the newest first when it cannot send all: %s', async (items) => {
    await using world = await imapWorld({ limits: { messages: 4 } })
    await world.deliver('INBOX', ...['one', 'two', 'three', 'four', 'five', 'six'].map((subject) => mail(subject)))
    const client = await world.login()
    await client.ok('SELECT INBOX')
    const uidsOf = (lines: readonly string[]) =>
      lines.flatMap((line) => /FETCH \(UID (\d+)/.exec(line)?.[1] ?? []).map(Number)
    for (const _turn of ['first', 'second', 'from memory']) {
      const lines = await client.command(`UID FETCH 1:* ${items}`)
      expect(uidsOf(lines)).toEqual([6, 5, 4, 3])
      expect(lines.at(-1)).toMatch(/OK \[MESSAGELIMIT 4 3\]/)
      // What is sent as a whole is in the order of the mailbox.
      expect(uidsOf(await client.ok(`UID FETCH 1:4 ${items}`))).toEqual([1, 2, 3, 4])
    }
  })

  it('tells of a STORE that failed for some beside it', async () => {
    const { world, client } = await limited(2)
    await using _ = world
    const lines = await client.command('STORE 1:* (UNCHANGEDSINCE 1) +FLAGS (x)')
    expect(lines).toContain('* NO [MESSAGELIMIT 2 4] Not all of the messages')
    expect(lines.at(-1)).toMatch(/OK \[MODIFIED 4:5\]/)
  })

  it('tells of a FETCH of messages that are gone beside it (section 3.1)', async () => {
    const { world, client } = await limited(2)
    await using _ = world
    const other = await world.login()
    await other.ok('SELECT INBOX')
    await other.ok('STORE 4 +FLAGS (\\Deleted)')
    await other.ok('EXPUNGE')
    const lines = await client.command('FETCH 1:* UID')
    expect(lines).toContain('* NO [MESSAGELIMIT 2 4] Not all of the messages')
    expect(lines.at(-1)).toMatch(/NO \[EXPUNGEISSUED\]/)
  })

  it('counts the messages that are searched, not those that match (section 3.1)', async () => {
    const { world, client } = await limited(2)
    await using _ = world
    const answer = async (text: string) => (await client.command(text)).map((line) => line.replace(/t\d+/, 't'))
    expect(await answer('UID SEARCH SUBJECT one')).toEqual(['* SEARCH', 't OK [MESSAGELIMIT 2 4] Search completed'])
    expect(await answer('UID SEARCH UID 1:3 SUBJECT one')).toEqual([
      '* SEARCH',
      't OK [MESSAGELIMIT 2 2] Search completed',
    ])
    expect(await answer('UID SEARCH (UIDAFTER 3) NOT SUBJECT one')).toEqual(['* SEARCH 4 5', 't OK Search completed'])
    expect(await answer('SEARCH 1:2 SUBJECT one')).toEqual(['* SEARCH 1', 't OK Search completed'])
    expect((await answer('UID SEARCH OR UID 1 SUBJECT one')).at(-1)).toBe('t OK [MESSAGELIMIT 2 4] Search completed')
    expect((await answer('SORT (DATE) UTF-8 SUBJECT one')).at(-1)).toMatch(/NO \[MESSAGELIMIT 2\]/)
    expect(await answer('UID SORT (DATE) UTF-8 UIDBEFORE 3 SUBJECT one')).toEqual(['* SORT 1', 't OK Sort completed'])
    expect(await answer('THREAD REFS UTF-8 4:5')).toEqual(['* THREAD (4)(5)', 't OK Thread completed'])
  })

  it('keeps for $ what was found (section 3.4)', async () => {
    const { world, client } = await limited(2)
    await using _ = world
    expect(await client.command('UID SEARCH RETURN (SAVE) ALL')).toEqual([
      expect.stringMatching(/^t\d+ OK \[MESSAGELIMIT 2 4\]/),
    ])
    expect(await client.ok('UID FETCH $ UID')).toEqual(['* 4 FETCH (UID 4)', '* 5 FETCH (UID 5)'])
  })

  it('refuses windows that are too large (section 3.1)', async () => {
    const { world, client } = await limited(2)
    await using _ = world
    expect(await client.command('UID FETCH 1:* UID (PARTIAL -1:-3)')).toEqual([
      expect.stringMatching(/^t\d+ NO \[MESSAGELIMIT 2\]/),
    ])
    expect(await client.ok('UID FETCH 1:* UID (PARTIAL 2:1)')).toEqual(['* 1 FETCH (UID 1)', '* 2 FETCH (UID 2)'])
  })

  it('counts the messages of all mailboxes that one ESEARCH goes through', async () => {
    const { world, client } = await limited(4)
    await using _ = world
    await world.deliver('Sent', mail('one'), mail('two'), mail('three'))
    const answer = async (text: string) => (await client.command(text)).map((line) => line.replace(/t\d+/, 't'))
    expect((await answer('ESEARCH ALL')).at(-1)).toBe('t OK [MESSAGELIMIT 4 2] Search completed')
    expect(await answer('ESEARCH IN (mailboxes INBOX) ALL')).toEqual([
      expect.stringMatching(/UID ALL 2:5$/),
      't OK [MESSAGELIMIT 4 2] Search completed',
    ])
    expect(await answer('ESEARCH IN (mailboxes (Sent Trash)) ALL')).toEqual([
      expect.stringMatching(/UID ALL 1:3$/),
      't OK Search completed',
    ])
    expect(await answer('ESEARCH IN (mailboxes (INBOX Sent)) UIDAFTER 2 SUBJECT t')).toEqual([
      expect.stringMatching(/MAILBOX "INBOX" .* UID ALL 3$/),
      expect.stringMatching(/MAILBOX "Sent" .* UID ALL 3$/),
      't OK Search completed',
    ])
    const [first, second, last] = await answer('ESEARCH IN (personal) RETURN (COUNT) UIDAFTER 1')
    expect(first).toMatch(/MAILBOX "INBOX" .* COUNT 4$/)
    expect(second).toBe('t OK [MESSAGELIMIT 4] Search completed')
    expect(last).toBeUndefined()
  })

  it('removes whatever is marked with EXPUNGE and CLOSE, and counts it with STATUS (section 3.1)', async () => {
    const { world, client } = await limited(2)
    await using _ = world
    expect(await client.ok('STATUS INBOX (UNSEEN)')).toEqual(['* STATUS "INBOX" (UNSEEN 5)'])
    for (const set of ['1:2', '3:4']) await client.ok(`STORE ${set} +FLAGS.SILENT (\\Deleted)`)
    expect(await client.ok('EXPUNGE')).toHaveLength(4)
    await world.deliver('INBOX', mail('a'), mail('b'), mail('c'))
    await client.ok('NOOP')
    for (const set of ['1:2', '3:4']) await client.ok(`STORE ${set} +FLAGS.SILENT (\\Deleted)`)
    await client.ok('CLOSE')
    expect(await client.ok('STATUS INBOX (MESSAGES)')).toEqual(['* STATUS "INBOX" (MESSAGES 0)'])
  })

  it('moves some, and copies, sorts, threads and appends all or none', async () => {
    const { world, client } = await limited(2)
    await using _ = world
    for (const command of ['COPY 1:3 Sent', 'SORT (DATE) UTF-8 ALL', 'THREAD REFERENCES UTF-8 ALL'])
      expect((await client.command(command)).at(-1), command).toMatch(/NO \[MESSAGELIMIT 2\]/)
    const three = 'APPEND Sent {6+}\r\nA: b\r\n {6+}\r\nA: b\r\n {6+}\r\nA: b\r\n'
    expect((await client.command(three)).at(-1)).toMatch(/NO \[MESSAGELIMIT 2\]/)
    expect(await client.ok('STATUS Sent (MESSAGES)')).toEqual(['* STATUS "Sent" (MESSAGES 0)'])
    const moved = await client.command('MOVE 1:3 Sent')
    expect(moved[0]).toMatch(/COPYUID \d+ 2:3 1:2/)
    expect(moved.at(-1)).toMatch(/OK \[MESSAGELIMIT 2 2\] Move completed/)
    expect((await client.command('COPY 1:2 Sent')).at(-1)).toMatch(/OK/)
  })

  it('SAVELIMIT limits what is saved alone', async () => {
    const { world, client } = await limited(0, 2)
    await using _ = world
    expect((await client.command('COPY 1:3 Sent')).at(-1)).toMatch(/NO \[MESSAGELIMIT 2\]/)
    expect((await client.command('COPY 1:2 Sent')).at(-1)).toMatch(/OK/)
    expect((await client.command('FETCH 1:* UID')).at(-1)).toMatch(/OK Fetch/)
  })
})

describe('UIDBATCHES (RFC 10022)', () => {
  it('cuts the mailbox into batches from the newest message on', async () => {
    await using world = await imapWorld()
    const messages = Array.from({ length: 1203 }, (_, at) => mail(`m${at}`))
    await world.deliver('INBOX', ...messages)
    const client = await world.login()
    await client.ok('SELECT INBOX')
    await client.ok('UID STORE 1:3,705 +FLAGS.SILENT (\\Deleted)')
    await client.ok('EXPUNGE')
    const batches = async (command: string) => (await client.ok(command)).join().replace(/\(TAG "t\d+"\)/, '(TAG)')
    expect(await batches('UIDBATCHES 500')).toBe('* UIDBATCHES (TAG) 1203:703,702:203,202:1')
    expect(await batches('UIDBATCHES 500 1:1')).toBe('* UIDBATCHES (TAG) 1203:703')
    expect(await batches('UIDBATCHES 500 2:9')).toBe('* UIDBATCHES (TAG) 702:203,202:1')
    expect(await batches('UIDBATCHES 500 4:9')).toBe('* UIDBATCHES (TAG)')
    expect(await batches('UIDBATCHES 500 1:9')).toBe('* UIDBATCHES (TAG) 1203:703,702:203,202:1')
    expect(await batches('UIDBATCHES 5000')).toBe('* UIDBATCHES (TAG) 1203:1')
    expect(await client.ok('UID SEARCH RETURN (COUNT) UID 1203:703')).toEqual([expect.stringMatching(/COUNT 500$/)])
    await client.ok('SELECT Sent')
    expect(await batches('UIDBATCHES 500')).toBe('* UIDBATCHES (TAG)')
  })

  it('answers the same again once more than half a batch has come or gone (section 3.1.1)', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', ...Array.from({ length: 600 }, (_, at) => mail(`m${at}`)))
    const client = await world.login()
    await client.ok('SELECT INBOX')
    const ask = async (command: string) => (await client.command(command)).at(-1)?.replace(/^t\d+ /, '')
    const REPEATED = /^NO \[LIMIT\]/
    expect(await ask('UIDBATCHES 500')).toMatch(/^OK/)
    expect(await ask('UIDBATCHES 500')).toMatch(REPEATED)
    // Another question.
    expect(await ask('UIDBATCHES 600')).toMatch(/^OK/)
    expect(await ask('UIDBATCHES 500 1:1')).toMatch(/^OK/)
    await client.ok('UID STORE 1:250 +FLAGS.SILENT (\\Deleted)')
    await client.ok('EXPUNGE')
    expect(await ask('UIDBATCHES 500')).toMatch(REPEATED)
    await client.ok('UID STORE 251 +FLAGS.SILENT (\\Deleted)')
    await client.ok('EXPUNGE')
    expect(await ask('UIDBATCHES 500')).toMatch(/^OK/)
    await world.deliver('INBOX', ...Array.from({ length: 250 }, (_, at) => mail(`n${at}`)))
    expect(await ask('UIDBATCHES 500')).toMatch(REPEATED)
    await world.deliver('INBOX', mail('one more'))
    expect(await ask('UIDBATCHES 500')).toMatch(/^OK/)
    expect(await ask('UIDBATCHES 500')).toMatch(REPEATED)
    await client.ok('SELECT INBOX')
    expect(await ask('UIDBATCHES 500')).toMatch(/^OK/)
  })

  it('remembers so many questions', () => {
    const asked = new AskedBatches()
    const now = { arrived: 0, expunged: 0 }
    for (let size = 500; size < 900; size++) expect(asked.mayAsk(size, undefined, now)).toBe(true)
    expect(asked.mayAsk(700, undefined, now)).toBe(false)
    expect(asked.mayAsk(699, undefined, now)).toBe(true)
  })

  it.each([
    ['UIDBATCHES 499', /NO \[TOOFEW\]/],
    ['UIDBATCHES 500 20:10', /BAD \[CLIENTBUG\]/],
    ['UIDBATCHES 500 0:1', /BAD \[CLIENTBUG\]/],
    ['UIDBATCHES', /BAD/],
    ['UIDBATCHES abc', /BAD/],
    ['UIDBATCHES 500 10', /BAD/],
  ])('%s is refused', async (command, answer) => {
    await using world = await imapWorld()
    const client = await world.login()
    await client.ok('SELECT INBOX')
    expect((await client.command(command)).at(-1)).toMatch(answer)
  })

  it('is one range for a mailbox that has less, whatever a command may work on (section 3.1.3.3.1)', async () => {
    const { world, client } = await limited(2)
    await using _ = world
    expect((await client.ok('UIDBATCHES 500')).join()).toMatch(/ 5:1$/)
  })
})

describe('JMAPACCESS (RFC 9698)', () => {
  it('names the session of JMAP where there is one', async () => {
    await using world = await imapWorld({ jmap: { sessionUrl: 'https://example.test/.well-known/jmap' } })
    const client = await world.login()
    expect((await client.ok('CAPABILITY')).join()).toMatch(/ JMAPACCESS /)
    expect(await client.ok('GETJMAPACCESS')).toEqual(['* JMAPACCESS "https://example.test/.well-known/jmap"'])
    await using without = await imapWorld()
    const other = await without.login()
    expect((await other.ok('CAPABILITY')).join()).not.toContain('JMAPACCESS')
    expect((await other.command('GETJMAPACCESS')).at(-1)).toMatch(/BAD Unknown command/)
  })
})
