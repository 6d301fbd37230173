import { describe, expect, it } from 'vitest'
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
      '* 3 FETCH (UID 3)',
      '* 4 FETCH (UID 4)',
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

  it('tells of a STORE that failed for some beside it', async () => {
    const { world, client } = await limited(2)
    await using _ = world
    const lines = await client.command('STORE 1:* (UNCHANGEDSINCE 1) +FLAGS (x)')
    expect(lines).toContain('* OK [MESSAGELIMIT 2 4] Not all of the messages')
    expect(lines.at(-1)).toMatch(/OK \[MODIFIED 4:5\]/)
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
    expect(await batches('UIDBATCHES 5000')).toBe('* UIDBATCHES (TAG) 1203:1')
    expect(await client.ok('UID SEARCH RETURN (COUNT) UID 1203:703')).toEqual([expect.stringMatching(/COUNT 500$/)])
    await client.ok('SELECT Sent')
    expect(await batches('UIDBATCHES 500')).toBe('* UIDBATCHES (TAG)')
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

  it('makes none larger than a command may work on', async () => {
    const { world, client } = await limited(2)
    await using _ = world
    expect((await client.ok('UIDBATCHES 500')).join()).toMatch(/ 5:4,3:2,1:1$/)
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
