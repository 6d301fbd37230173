import { describe, expect, it } from 'vitest'
import { imapWorld, mail, type World } from './support/imap-world.ts'
import type { TestClient } from './support/test-client.ts'

const modSeqOf = (text: string | undefined) => Number(/(?:MODSEQ \(?|HIGHESTMODSEQ )(\d+)/.exec(text ?? '')?.[1])

async function opened(world: World, enable = 'CONDSTORE'): Promise<TestClient> {
  const client = await world.login()
  await client.ok(`ENABLE ${enable}`)
  await client.ok('SELECT INBOX')
  return client
}

async function three(): Promise<World> {
  const world = await imapWorld()
  await world.deliver('INBOX', mail('1'), mail('2'), mail('3'))
  return world
}

describe('CONDSTORE (RFC 7162 section 3.1)', () => {
  it('shows mod-sequences in SELECT, STATUS and FETCH, and they rise', async () => {
    await using world = await three()
    const client = await world.login()
    const highest = modSeqOf((await client.ok('SELECT INBOX')).find((line) => line.includes('HIGHESTMODSEQ')))
    expect((await client.ok('STATUS INBOX (HIGHESTMODSEQ)')).join('\n')).toContain(`(HIGHESTMODSEQ ${highest})`)
    expect(await client.ok('FETCH 1 (MODSEQ)')).toEqual([`* 1 FETCH (MODSEQ (${highest}))`])
    const [stored] = await client.ok('STORE 2 +FLAGS.SILENT (\\Seen)')
    expect(stored).toMatch(/^\* 2 FETCH \(MODSEQ \(\d+\)\)$/)
    expect(modSeqOf(stored)).toBeGreaterThan(highest)
    expect(await client.ok(`FETCH 1:* (FLAGS) (CHANGEDSINCE ${highest})`)).toEqual([
      `* 2 FETCH (FLAGS (\\Seen \\Recent) MODSEQ (${modSeqOf(stored)}))`,
    ])
    expect(await client.ok(`SEARCH MODSEQ ${modSeqOf(stored)}`)).toEqual([`* SEARCH 2 (MODSEQ ${modSeqOf(stored)})`])
    expect(await client.ok(`SEARCH MODSEQ "/flags/\\\\draft" all ${highest}`)).toEqual([
      `* SEARCH 1 2 3 (MODSEQ ${modSeqOf(stored)})`,
    ])
    expect(await client.ok('SEARCH MODSEQ 9223372036854775807')).toEqual(['* SEARCH'])
  })

  it('tells of the highest mod-sequence when it is switched on late', async () => {
    await using world = await three()
    const client = await world.login()
    await client.ok('SELECT INBOX')
    expect(await client.ok('ENABLE CONDSTORE')).toEqual([
      expect.stringMatching(/^\* OK \[HIGHESTMODSEQ \d+\] Highest$/),
      '* ENABLED CONDSTORE',
    ])
    const other = await world.login()
    await other.ok('SELECT INBOX')
    await other.ok('STORE 3 +FLAGS (\\Flagged)')
    expect(await client.ok('NOOP')).toEqual([
      expect.stringMatching(/^\* 3 FETCH \(UID 3 FLAGS \(\\Flagged \\Recent\) MODSEQ \(\d+\)\)$/),
    ])
  })

  it('stores only what has not changed since, and names the rest (section 3.1.3)', async () => {
    await using world = await three()
    const client = await opened(world)
    const before = modSeqOf((await client.ok('FETCH 1 (MODSEQ)'))[0])
    const other = await world.login()
    await other.ok('SELECT INBOX')
    await other.ok('STORE 2 +FLAGS (\\Answered)')
    const lines = await client.command(`STORE 1:3 (UNCHANGEDSINCE ${before}) +FLAGS.SILENT (\\Deleted)`)
    expect(lines.at(-1)).toMatch(/^t\d+ OK \[MODIFIED 2\]/)
    expect(lines.slice(0, 2)).toEqual([
      expect.stringMatching(/^\* 1 FETCH \(MODSEQ \(\d+\)\)$/),
      expect.stringMatching(/^\* 3 FETCH \(MODSEQ \(\d+\)\)$/),
    ])
    expect(await client.ok('SEARCH DELETED')).toEqual(['* SEARCH 1 3'])
    expect((await client.command('UID STORE 1:3 (UNCHANGEDSINCE 0) +FLAGS (\\Seen)')).at(-1)).toMatch(
      /OK \[MODIFIED 1:3\]/,
    )
  })
})

describe('QRESYNC (RFC 7162 section 3.2)', () => {
  it('says VANISHED instead of EXPUNGE, and the mod-sequence with it', async () => {
    await using world = await three()
    const client = await opened(world, 'QRESYNC')
    const other = await world.login()
    await other.ok('SELECT INBOX')
    await client.ok('STORE 1,3 +FLAGS.SILENT (\\Deleted)')
    const lines = await client.command('EXPUNGE')
    expect(lines[0]).toBe('* VANISHED 1,3')
    expect(lines[1]).toMatch(/^t\d+ OK \[HIGHESTMODSEQ \d+\] Expunge completed$/)
    expect(await other.ok('NOOP')).toEqual(['* 3 EXPUNGE', '* 1 EXPUNGE'])
    expect((await client.ok('SELECT Sent'))[0]).toBe('* OK [CLOSED] Left')
  })

  it('tells what a client missed, at SELECT and at FETCH', async () => {
    await using world = await three()
    const client = await opened(world, 'QRESYNC')
    const lines = await client.ok('SELECT INBOX')
    const validity = Number(/UIDVALIDITY (\d+)/.exec(lines.join())?.[1])
    const known = modSeqOf(lines.find((line) => line.includes('HIGHESTMODSEQ')))
    const other = await world.login()
    await other.ok('SELECT INBOX')
    await other.ok('STORE 2 +FLAGS.SILENT (\\Deleted)')
    await other.ok('EXPUNGE')
    await other.ok('STORE 2 +FLAGS.SILENT (\\Flagged)')
    await world.deliver('INBOX', mail('4'))
    const expected = [
      '* VANISHED (EARLIER) 2',
      expect.stringMatching(/^\* 2 FETCH \(UID 3 FLAGS \(\\Flagged( \\Recent)?\) MODSEQ \(\d+\)\)$/),
      expect.stringMatching(/^\* 3 FETCH \(UID 4 FLAGS \((\\Recent)?\) MODSEQ \(\d+\)\)$/),
    ]
    await client.ok('UNSELECT')
    for (const parameters of [
      `${validity} ${known}`,
      `${validity} ${known} 1:10`,
      `${validity} ${known} 1:4 (1:3 1:3)`,
    ]) {
      const again = await client.ok(`SELECT INBOX (QRESYNC (${parameters}))`)
      expect(again.slice(-3), parameters).toEqual(expected)
      await client.ok('UNSELECT')
    }
    expect((await client.ok(`SELECT INBOX (QRESYNC (${validity + 1} ${known}))`)).join()).not.toMatch(/VANISHED|FETCH/)
    expect(await client.ok(`UID FETCH 1:* (FLAGS) (CHANGEDSINCE ${known} VANISHED)`)).toEqual(
      expected.map((line, at) => (at === 0 ? line : expect.stringMatching(/^\* \d FETCH \(UID \d FLAGS/))),
    )
    // A mod-sequence that the log does not reach back to: everything that is not there.
    expect((await client.ok('UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)'))[0]).toBe('* VANISHED (EARLIER) 2')
  })

  it('is refused to who has not enabled it', async () => {
    await using world = await three()
    const client = await world.login()
    expect((await client.command('SELECT INBOX (QRESYNC (1 1))'))[0]).toMatch(/BAD ENABLE QRESYNC first/)
    await client.ok('SELECT INBOX (CONDSTORE)')
    expect((await client.command('UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)'))[0]).toMatch(/BAD/)
    expect((await client.command('FETCH 1 FLAGS (VANISHED)'))[0]).toMatch(/BAD/)
    expect((await client.command('FETCH 1 FLAGS (CHANGEDSINCE x)'))[0]).toMatch(/BAD/)
    expect((await client.command('STORE 1 (UNKNOWN 1) FLAGS (\\Seen)'))[0]).toMatch(/BAD/)
    expect((await client.command('SELECT INBOX (NOPE)'))[0]).toMatch(/BAD/)
  })
})

describe('ESEARCH (RFC 4731)', () => {
  it('returns what was asked for', async () => {
    await using world = await three()
    const client = await opened(world)
    const result = async (text: string) => (await client.ok(text)).at(-1)?.replace(/TAG "t\d+"/, 'TAG "t"')
    expect(await result('SEARCH RETURN (MIN COUNT) ALL')).toBe('* ESEARCH (TAG "t") MIN 1 COUNT 3')
    expect(await result('UID SEARCH RETURN () 1,3')).toBe('* ESEARCH (TAG "t") UID ALL 1,3')
    expect(await result('SEARCH RETURN (MAX ALL) ALL')).toBe('* ESEARCH (TAG "t") MAX 3 ALL 1:3')
    expect(await result('SEARCH RETURN (MIN MAX ALL COUNT) DELETED')).toBe('* ESEARCH (TAG "t") COUNT 0')
    expect(await result('SEARCH RETURN (ALL) SEEN')).toBe('* ESEARCH (TAG "t")')
    expect(await result('SEARCH RETURN (COUNT) CHARSET UTF-8 SUBJECT 2')).toBe('* ESEARCH (TAG "t") COUNT 1')
    expect(await result('SEARCH RETURN (COUNT) MODSEQ 1')).toMatch(/^\* ESEARCH \(TAG "t"\) COUNT 3 MODSEQ \d+$/)
    expect((await client.command('SEARCH RETURN (BEST) ALL'))[0]).toMatch(/BAD No such result option/)
  })
})

it('tells size and limit (RFC 8438, RFC 7889)', async () => {
  await using world = await imapWorld({ messageBytes: 1234 })
  await world.deliver('INBOX', Buffer.alloc(100, 'x'), Buffer.alloc(23, 'y'))
  const client = await world.login()
  expect(await client.ok('STATUS INBOX (SIZE APPENDLIMIT)')).toEqual(['* STATUS "INBOX" (SIZE 123 APPENDLIMIT 1234)'])
  expect((await client.ok('CAPABILITY'))[0]).toContain(' APPENDLIMIT=1234')
  await using unlimited = await imapWorld({ messageBytes: 0 })
  const other = await unlimited.login()
  expect((await other.ok('CAPABILITY'))[0]).not.toContain('APPENDLIMIT')
  expect((await other.command('APPEND INBOX {3+}\r\nabc'))[0]).toMatch(/OK \[APPENDUID/)
})
