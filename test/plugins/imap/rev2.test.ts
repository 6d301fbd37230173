import { describe, expect, it } from 'vitest'
import { Offers } from '../../../plugins/imap/offer.ts'
import { imapWorld, mail } from './support/imap-world.ts'

const wire = (text: string) => Buffer.from(text).toString('latin1')

async function rev2() {
  const world = await imapWorld()
  await world.deliver('INBOX', mail('one'), mail('two'))
  const client = await world.login()
  expect(await client.ok('ENABLE imap4rev2')).toEqual(['* ENABLED IMAP4rev2'])
  return { world, client }
}

describe('IMAP4rev2 (RFC 9051)', () => {
  it('is shown beside IMAP4rev1, and changes nothing until it is switched on', async () => {
    await using world = await imapWorld()
    const client = await world.connect()
    expect((await client.ok('CAPABILITY'))[0]).toMatch(/^\* CAPABILITY IMAP4rev1 IMAP4rev2 /)
    const user = await world.login()
    expect((await user.ok('SELECT INBOX')).join('\n')).toMatch(/RECENT/)
    await using without = await imapWorld({ offers: new Offers(['SEARCHRES']) })
    expect((await (await without.connect()).ok('CAPABILITY'))[0]).not.toContain('IMAP4rev2')
  })

  it('selects without RECENT and UNSEEN, names the mailbox, and says when the one before is closed', async () => {
    const { world, client } = await rev2()
    await using _ = world
    const lines = await client.ok('SELECT inbox')
    expect(lines).toContain('* LIST () "/" "INBOX"')
    expect(lines.join('\n')).not.toMatch(/RECENT|Recent|UNSEEN/)
    expect(await client.ok('FETCH 1 FLAGS')).toEqual(['* 1 FETCH (FLAGS ())'])
    expect((await client.ok('SELECT Sent'))[0]).toBe('* OK [CLOSED] Left')
  })

  it('tells results by ESEARCH alone', async () => {
    const { world, client } = await rev2()
    await using _ = world
    await client.ok('SELECT INBOX')
    expect(await client.ok('SEARCH ALL')).toEqual([expect.stringMatching(/^\* ESEARCH \(TAG "t\d+"\) ALL 1:2$/)])
    expect(await client.ok('UID SEARCH SUBJECT two')).toEqual([
      expect.stringMatching(/^\* ESEARCH \(TAG ".*"\) UID ALL 2$/),
    ])
    expect(await client.ok('SEARCH SUBJECT nothing')).toEqual([expect.stringMatching(/^\* ESEARCH \(TAG "t\d+"\)$/)])
    await client.ok('SEARCH RETURN (SAVE) SUBJECT one')
    expect(await client.ok('FETCH $ UID')).toEqual(['* 1 FETCH (UID 1)'])
  })

  it('has mailbox names in UTF-8', async () => {
    const { world, client } = await rev2()
    await using _ = world
    await client.ok(wire('CREATE "Entwürfe"'))
    expect(await client.ok(wire('STATUS "Entwürfe" (MESSAGES SIZE DELETED)'))).toEqual([
      wire('* STATUS "Entwürfe" (MESSAGES 0 SIZE 0 DELETED 0)'),
    ])
    expect((await client.command('STATUS INBOX (RECENT)')).at(-1)).toMatch(/BAD/)
  })

  it('names the UID of what others change, and tells of new messages by EXISTS alone', async () => {
    const { world, client } = await rev2()
    await using _ = world
    await client.ok('SELECT INBOX')
    const other = await world.login()
    await other.ok('SELECT INBOX')
    await other.ok('STORE 2 +FLAGS (\\Flagged)')
    await world.deliver('INBOX', mail('three'))
    const told = await client.ok('NOOP')
    expect(told).toContain('* 3 EXISTS')
    expect(told).toContain('* 2 FETCH (UID 2 FLAGS (\\Flagged))')
    expect(told.join()).not.toContain('RECENT')
  })
})
