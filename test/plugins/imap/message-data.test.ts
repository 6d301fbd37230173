import { describe, expect, it } from 'vitest'
import { imapWorld, mail } from './support/imap-world.ts'

const idsIn = (lines: readonly string[], item: string) =>
  lines.map((line) => new RegExp(`${item} \\(([A-Za-z0-9_-]{1,255})\\)`).exec(line)?.[1])

describe('OBJECTID (RFC 8474)', () => {
  it('gives a mailbox one id, under every name', async () => {
    await using world = await imapWorld()
    const client = await world.login()
    const created = idsIn(await client.command('CREATE foo'), 'MAILBOXID')
    expect(created).toHaveLength(1)
    const status = async (name: string) => idsIn(await client.ok(`STATUS ${name} (MAILBOXID)`), 'MAILBOXID')
    expect(await status('foo')).toEqual(created)
    await client.ok('RENAME foo bar')
    expect(await status('bar')).toEqual(created)
    const selected = (await client.ok('SELECT bar')).find((line) => line.includes('MAILBOXID'))
    expect(idsIn([selected ?? ''], 'MAILBOXID')).toEqual(created)
    await client.ok('CREATE foo')
    expect(await status('foo')).not.toEqual(created)
  })

  it('gives a message one id, which its copies have and no other', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', mail('one'), mail('two'))
    const client = await world.login()
    await client.ok('SELECT INBOX')
    const ids = idsIn(await client.ok('FETCH 1:2 EMAILID'), 'EMAILID')
    expect(new Set(ids).size).toBe(2)
    expect(await client.ok(`SEARCH EMAILID ${ids[1]}`)).toEqual(['* SEARCH 2'])
    expect(await client.ok('SEARCH EMAILID nothing')).toEqual(['* SEARCH'])
    await client.ok('COPY 2 Archive')
    await client.ok('SELECT Archive')
    expect(idsIn(await client.ok('FETCH 1 (EMAILID UID)'), 'EMAILID')).toEqual([ids[1]])
    const [line] = await client.ok('UID FETCH 1 (EMAILID FLAGS ENVELOPE)')
    expect(line).toMatch(/^\* 1 FETCH \(UID 1 FLAGS \(.*\) EMAILID \(.*\) ENVELOPE \(/)
  })

  it('gives the messages of a conversation one thread', async () => {
    await using world = await imapWorld()
    const reply = (id: string, fields: string) => `Message-ID: <${id}@x>\r\n${fields}Subject: x\r\n\r\nx\r\n`
    await world.deliver(
      'INBOX',
      reply('a', ''),
      reply('b', 'In-Reply-To: <a@x>\r\n'),
      reply('c', 'References: <a@x> <b@x>\r\n'),
      reply('d', ''),
      'Subject: nobody knows\r\n\r\nx\r\n',
    )
    const client = await world.login()
    await client.ok('SELECT INBOX')
    const threads = idsIn(await client.ok('FETCH 1:5 THREADID'), 'THREADID')
    expect(threads[0]).toBeDefined()
    expect(threads).toEqual([threads[0], threads[0], threads[0], threads[3], undefined])
    expect(threads[3]).not.toBe(threads[0])
    expect(await client.ok('FETCH 5 THREADID')).toEqual(['* 5 FETCH (THREADID NIL)'])
    expect(await client.ok(`SEARCH THREADID ${threads[0]}`)).toEqual(['* SEARCH 1 2 3'])
  })
})

describe('SAVEDATE (RFC 8514)', () => {
  it('is when the message came into its mailbox, not when it was received', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', mail('one'))
    const client = await world.login()
    await client.ok('SELECT INBOX')
    const [line] = await client.ok('FETCH 1 (INTERNALDATE SAVEDATE)')
    const [, internal, saved] = /INTERNALDATE "(.*?)" SAVEDATE "(.*?)"/.exec(line ?? '') ?? []
    expect(internal).toBe(' 2-Jan-2026 03:04:05 +0000')
    expect(Math.abs(Date.parse(saved?.trim().replace(/-/g, ' ') ?? '') - Date.now())).toBeLessThan(60_000)
    const today = new Date().toUTCString().split(' ').slice(1, 4).join('-')
    expect(await client.ok(`SEARCH OR SAVEDON ${today} SAVEDSINCE ${today}`)).toEqual(['* SEARCH 1'])
    expect(await client.ok('SEARCH SAVEDBEFORE 3-Jan-2026')).toEqual(['* SEARCH'])
    expect(await client.ok('SEARCH SAVEDATESUPPORTED')).toEqual(['* SEARCH 1'])
  })
})

describe('PREVIEW (RFC 8970)', () => {
  it('is the first text of a message, and empty when there is none to read', async () => {
    await using world = await imapWorld()
    const image = 'Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n'
    await world.deliver('INBOX', mail('one', 'Hello  there,\nhow are you?'), image)
    const client = await world.login()
    await client.ok('SELECT INBOX')
    expect(await client.ok('FETCH 1:2 (PREVIEW)')).toEqual([
      '* 1 FETCH (PREVIEW "Hello there, how are you?")',
      '* 2 FETCH (PREVIEW "")',
    ])
    expect(await client.ok('FETCH 1 (PREVIEW (LAZY) UID)')).toEqual([
      '* 1 FETCH (UID 1 PREVIEW "Hello there, how are you?")',
    ])
    expect(await client.ok('FETCH 1 PREVIEW (LAZY)')).toHaveLength(1)
    expect(await client.command('FETCH 1 PREVIEW (EAGER)')).toEqual([expect.stringMatching(/BAD/)])
  })
})

describe('WITHIN (RFC 5032)', () => {
  it('finds messages by their age in seconds', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', mail('old'))
    const client = await world.login()
    await client.ok('APPEND INBOX {6+}\r\nA: b\r\n')
    await client.ok('SELECT INBOX')
    expect(await client.ok('SEARCH YOUNGER 3600')).toEqual(['* SEARCH 2'])
    expect(await client.ok('SEARCH OLDER 3600')).toEqual(['* SEARCH 1'])
    expect(await client.ok('SEARCH NOT YOUNGER 3600')).toEqual(['* SEARCH 1'])
    expect(await client.command('SEARCH YOUNGER 0')).toEqual([expect.stringMatching(/BAD/)])
  })
})
