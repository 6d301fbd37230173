import { describe, expect, it } from 'vitest'
import { Offers } from '../../../plugins/imap/offer.ts'
import { imapWorld, mail } from './support/imap-world.ts'

/** Octets of the text, one character each, as the test client sends and reads them. */
const wire = (text: string) => Buffer.from(text).toString('latin1')

describe('UTF8=ACCEPT (RFC 6855)', () => {
  it('has mailbox names in UTF-8 from ENABLE on, in both directions', async () => {
    await using world = await imapWorld()
    const client = await world.login()
    await client.ok('CREATE "Entw&APw-rfe"')
    expect(await client.ok('LIST "" "Entw*"')).toEqual(['* LIST (\\HasNoChildren) "/" "Entw&APw-rfe"'])
    expect(await client.ok('ENABLE UTF8=ACCEPT')).toEqual(['* ENABLED UTF8=ACCEPT'])
    expect(await client.ok('LIST "" "Entw*"')).toEqual([wire('* LIST (\\HasNoChildren) "/" "Entwürfe"')])
    expect(await client.ok(wire('STATUS "Entwürfe" (MESSAGES)'))).toEqual([wire('* STATUS "Entwürfe" (MESSAGES 0)')])
    await client.ok(wire('CREATE "日本語"'))
    await client.ok(wire('SUBSCRIBE "日本語"'))
    expect(await client.ok('LSUB "" "*"')).toContain(wire('* LSUB () "/" "日本語"'))
    await client.ok('CREATE "a&APw-b"')
    expect(await client.ok('LIST "" "a*"')).toEqual(['* LIST (\\HasNoChildren) "/" "a&APw-b"'])
    expect(await client.command('CREATE "\xff\xfe"')).toEqual([expect.stringMatching(/BAD/)])
    const other = await world.login()
    expect(await other.ok('LIST "" "a*"')).toEqual(['* LIST (\\HasNoChildren) "/" "a&-APw-b"'])
  })

  it('takes a message in UTF-8 in its own form, several of them too', async () => {
    await using world = await imapWorld()
    const client = await world.login()
    const message = wire('Subject: Grüße\r\n\r\nx\r\n')
    const utf8 = `UTF8 (~{${message.length}+}\r\n${message})`
    expect((await client.command(`APPEND INBOX ${utf8}`)).at(-1)).toMatch(/BAD ENABLE UTF8=ACCEPT first/)
    await client.ok('ENABLE UTF8=ACCEPT')
    expect((await client.command(`APPEND INBOX ${utf8}`)).at(-1)).toMatch(/OK/)
    expect((await client.command(`APPEND INBOX (\\Seen) ${utf8} ${utf8}`)).at(-1)).toMatch(/OK/)
    expect((await client.command(`APPEND INBOX UTF8 (~{${message.length}+}\r\n${message}`)).at(-1)).toMatch(/BAD/)
    expect((await client.command(`APPEND INBOX UTF8 ({${message.length}+}\r\n${message})`)).at(-1)).toMatch(/BAD/)
    expect(await client.ok('STATUS INBOX (MESSAGES UNSEEN)')).toEqual(['* STATUS "INBOX" (MESSAGES 3 UNSEEN 2)'])
  })

  it('searches in UTF-8, and takes no CHARSET any more', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', mail('=?utf-8?Q?Gr=C3=BC=C3=9Fe?='), mail('other'))
    const client = await world.login()
    await client.ok('SELECT INBOX')
    expect(await client.ok(wire('SEARCH CHARSET UTF-8 SUBJECT "grüße"'))).toEqual(['* SEARCH 1'])
    await client.ok('ENABLE UTF8=ACCEPT')
    expect(await client.ok(wire('SEARCH SUBJECT "grüße"'))).toEqual(['* SEARCH 1'])
    expect(await client.command('SEARCH CHARSET UTF-8 SUBJECT x')).toEqual([expect.stringMatching(/BAD/)])
  })
})

describe('LITERAL- (RFC 7888 section 5)', () => {
  it('is shown where LITERAL+ is not, and lets small literals come unasked alone', async () => {
    await using world = await imapWorld({ offers: new Offers(['LITERAL+']) })
    const client = await world.login()
    const [told] = await client.ok('CAPABILITY')
    expect(told).toContain(' LITERAL- ')
    expect(told).not.toContain('LITERAL+')
    await client.ok('CREATE {4+}\r\nabcd')
    const name = 'x'.repeat(4097)
    expect((await client.command(`CREATE {4097+}\r\n${name}`)).at(-1)).toMatch(/BAD Wait until/)
    await using usual = await imapWorld()
    expect((await (await usual.login()).ok('CAPABILITY')).join()).not.toContain('LITERAL-')
  })
})

describe('LANGUAGE (RFC 5255 section 3)', () => {
  it('lists the languages, and takes the first range that is spoken', async () => {
    await using world = await imapWorld()
    const client = await world.connect()
    expect(await client.ok('LANGUAGE')).toEqual(['* LANGUAGE ("en" "i-default")'])
    expect(await client.ok('LANGUAGE DE en-GB')).toEqual(['* LANGUAGE ("en")'])
    expect(await client.ok('LANGUAGE default')).toEqual(['* LANGUAGE ("en")'])
    expect(await client.ok('LANGUAGE "i-default"')).toEqual(['* LANGUAGE ("i-default")'])
    expect(await client.command('LANGUAGE tlh x-none')).toEqual([expect.stringMatching(/NO/)])
  })
})
