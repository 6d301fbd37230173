import { describe, expect, it } from 'vitest'
import { imapWorld, mail } from './support/imap-world.ts'

const DRAFT = 'Subject: second\r\n\r\nBetter.\r\n'
const literal = `{${DRAFT.length}+}\r\n${DRAFT}`

describe('REPLACE (RFC 8508)', () => {
  it('puts a message in the place of another, and tells of the new one before the old one vanishes', async () => {
    await using world = await imapWorld()
    await world.deliver('Drafts', mail('first'), mail('other'))
    const client = await world.login()
    await client.ok('SELECT Drafts')
    const lines = await client.command(`REPLACE 1 Drafts (\\Seen \\Draft) "01-Jan-2026 10:00:00 +0000" ${literal}`)
    expect(lines.map((line) => line.replace(/\d{5,}/, 'V'))).toEqual([
      '* OK [APPENDUID V 3] Replaced',
      '* 1 EXPUNGE',
      '* 2 EXISTS',
      '* 2 RECENT',
      expect.stringMatching(/^t\d+ OK Replace completed$/),
    ])
    expect(await client.ok('UID FETCH 3 (FLAGS INTERNALDATE)')).toEqual([
      '* 2 FETCH (UID 3 FLAGS (\\Seen \\Draft \\Recent) INTERNALDATE " 1-Jan-2026 10:00:00 +0000")',
    ])
  })

  it('by UID, and into another mailbox', async () => {
    await using world = await imapWorld()
    await world.deliver('Drafts', mail('first'))
    const client = await world.login()
    await client.ok('SELECT Drafts')
    expect(await client.ok(`UID REPLACE 1 Sent ${literal}`)).toContain('* 1 EXPUNGE')
    expect(await client.ok('STATUS Sent (MESSAGES)')).toEqual(['* STATUS "Sent" (MESSAGES 1)'])
    expect(await client.ok('STATUS Drafts (MESSAGES)')).toEqual(['* STATUS "Drafts" (MESSAGES 0)'])
  })

  it.each([
    ['REPLACE 1:2 Drafts', /BAD/],
    ['REPLACE 1,2 Drafts', /BAD/],
    ['REPLACE 9 Drafts', /BAD/],
    ['UID REPLACE 9 Drafts', /NO/],
    ['REPLACE 1 Nowhere', /NO \[TRYCREATE\]/],
    ['REPLACE x Drafts', /BAD/],
  ])('%s changes nothing', async (command, answer) => {
    await using world = await imapWorld()
    await world.deliver('Drafts', mail('first'), mail('other'))
    const client = await world.login()
    await client.ok('SELECT Drafts')
    expect((await client.command(`${command} ${literal}`)).at(-1)).toMatch(answer)
    expect((await client.command(`REPLACE 1 Drafts ${literal} ${literal}`)).at(-1)).toMatch(/BAD/)
    expect(await client.ok('STATUS Drafts (MESSAGES)')).toEqual(['* STATUS "Drafts" (MESSAGES 2)'])
    expect(world.blobs.count).toBe(2)
  })

  it('is refused where nothing may be changed', async () => {
    await using world = await imapWorld()
    await world.deliver('Drafts', mail('first'))
    const client = await world.login()
    await client.ok('EXAMINE Drafts')
    expect((await client.command(`REPLACE 1 Drafts ${literal}`)).at(-1)).toMatch(/NO \[READ-ONLY\]/)
  })
})
