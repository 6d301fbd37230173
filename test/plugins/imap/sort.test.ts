import { describe, expect, it } from 'vitest'
import { imapWorld } from './support/imap-world.ts'

const message = (fields: Record<string, string>, size = 1) =>
  `${Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n${'x'.repeat(size)}\r\n`

const MESSAGES = [
  message(
    { From: '"Zoe" <a@x.test>', To: 'c@x.test', Subject: 'Re: beta', Date: 'Thu, 01 Jan 2026 10:00:00 +0200' },
    300,
  ),
  message({ From: 'b@x.test', To: '"Ann" <d@x.test>', Subject: 'Alpha', Date: 'Thu, 01 Jan 2026 09:00:00 +0000' }, 100),
  message({ From: 'Émile <c@x.test>', Cc: 'q@x.test', Subject: '=?utf-8?Q?=C3=81lpha?=', Date: 'nonsense' }, 200),
  message({ Subject: 'beta', Date: 'Thu, 01 Jan 2026 07:30:00 +0000' }, 240),
]

async function selected() {
  const world = await imapWorld()
  await world.deliver('INBOX', ...MESSAGES)
  const client = await world.login()
  await client.ok('SELECT INBOX')
  return { world, client }
}

describe('SORT (RFC 5256)', () => {
  it.each([
    ['(SIZE)', '2 3 4 1'],
    ['(REVERSE SIZE)', '1 4 3 2'],
    ['(REVERSE SIZE REVERSE ARRIVAL)', '1 4 3 2'],
    // The third has no date that can be read: that of arrival stands in.
    ['(DATE)', '4 1 2 3'],
    // A letter with a mark is the letter, and then the mark, which comes behind all letters.
    ['(SUBJECT)', '2 3 1 4'],
    ['(SUBJECT DATE)', '2 3 4 1'],
    ['(FROM)', '4 1 2 3'],
    ['(TO)', '3 4 1 2'],
    ['(REVERSE CC)', '3 1 2 4'],
    ['(DISPLAYFROM)', '4 2 3 1'],
    ['(DISPLAYTO)', '3 4 2 1'],
  ])('%s gives %s', async (criteria, order) => {
    const { world, client } = await selected()
    await using _ = world
    expect(await client.ok(`SORT ${criteria} UTF-8 ALL`)).toEqual([`* SORT ${order}`])
  })

  it('sorts what meets the condition, by UID, and nothing at all', async () => {
    const { world, client } = await selected()
    await using _ = world
    expect(await client.ok('UID SORT (SIZE) US-ASCII SUBJECT beta')).toEqual(['* SORT 4 1'])
    expect(await client.ok('SORT (SIZE) UTF-8 KEYWORD none')).toEqual(['* SORT'])
  })

  it('returns what ESORT asks for, in the order of the sort (RFC 5267)', async () => {
    const { world, client } = await selected()
    await using _ = world
    const lines = await client.ok('SORT RETURN (MIN MAX ALL COUNT) (SIZE) UTF-8 ALL')
    expect(lines[0]).toMatch(/^\* ESEARCH \(TAG "t\d+"\) MIN 2 MAX 1 ALL 2:4,1 COUNT 4$/)
    const window = await client.ok('UID SORT RETURN (PARTIAL -1:-2) (SIZE) UTF-8 ALL')
    expect(window[0]).toMatch(/UID PARTIAL \(-1:-2 4,1\)$/)
  })

  it.each([
    'SORT () UTF-8 ALL',
    'SORT (NAME) UTF-8 ALL',
    'SORT (DATE) ALL',
    'SORT DATE UTF-8 ALL',
    'SORT (REVERSE) UTF-8 ALL',
  ])('%s is wrong', async (command) => {
    const { world, client } = await selected()
    await using _ = world
    expect((await client.command(command)).at(-1)).toMatch(/BAD|NO \[BADCHARSET/)
  })
})

describe('SEARCHRES (RFC 5182)', () => {
  it('keeps what was found, for every command that takes a set', async () => {
    const { world, client } = await selected()
    await using _ = world
    expect(await client.ok('SEARCH RETURN (SAVE) SUBJECT beta')).toEqual([])
    expect(await client.ok('FETCH $ UID')).toEqual(['* 1 FETCH (UID 1)', '* 4 FETCH (UID 4)'])
    expect(await client.ok('UID SEARCH RETURN (SAVE COUNT) UID $ SMALLER 400')).toEqual([
      expect.stringMatching(/COUNT 1$/),
    ])
    expect(await client.ok('SEARCH $')).toEqual(['* SEARCH 4'])
    await client.ok('UID STORE $ +FLAGS (\\Deleted)')
    await client.ok('SEARCH RETURN (SAVE MIN MAX) ALL')
    expect(await client.ok('SEARCH $')).toEqual(['* SEARCH 1 4'])
    expect(await client.ok('EXPUNGE')).toEqual(['* 4 EXPUNGE'])
    expect(await client.ok('SEARCH $')).toEqual(['* SEARCH 1'])
    expect((await client.command('COPY $ Archive')).at(-1)).toMatch(/OK \[COPYUID/)
    expect((await client.command('SEARCH RETURN (SAVE) CHARSET x ALL')).at(-1)).toMatch(/NO \[BADCHARSET/)
    await client.ok('SELECT INBOX')
    expect(await client.ok('SEARCH $')).toEqual(['* SEARCH'])
  })
})

describe('PARTIAL (RFC 9394)', () => {
  it('returns a window of the results, from either end', async () => {
    const { world, client } = await selected()
    await using _ = world
    const partial = async (range: string) =>
      (await client.ok(`SEARCH RETURN (PARTIAL ${range}) ALL`))[0]?.split('PARTIAL ')[1]
    expect(await partial('1:2')).toBe('(1:2 1:2)')
    expect(await partial('3:9')).toBe('(3:9 3:4)')
    expect(await partial('-1:-2')).toBe('(-1:-2 3:4)')
    expect(await partial('-4:-4')).toBe('(-4:-4 1)')
    expect(await partial('7:9')).toBe('(7:9 NIL)')
    for (const range of ['0:1', '-1:2', '1', 'x', '1:99999999999']) {
      expect((await client.command(`SEARCH RETURN (PARTIAL ${range}) ALL`)).at(-1), range).toMatch(/BAD/)
    }
    expect((await client.command('SEARCH RETURN (ALL PARTIAL 1:2) ALL')).at(-1)).toMatch(/BAD/)
  })

  it('keeps for $ what its table has (section 3.2)', async () => {
    const { world, client } = await selected()
    await using _ = world
    for (const [options, saved] of [
      ['PARTIAL 2:3', '2 3'],
      ['PARTIAL 2:3 MIN', '1 2 3'],
      ['PARTIAL 2:3 MAX', '2 3 4'],
      ['PARTIAL 2:2 MIN MAX', '1 2 4'],
      ['PARTIAL 2:2 COUNT', '1 2 3 4'],
      ['PARTIAL 2:2 COUNT MIN', '1 2 3 4'],
      ['PARTIAL 9:9 MAX', '4'],
    ] as const) {
      await client.ok(`SEARCH RETURN (SAVE ${options}) ALL`)
      expect(await client.ok('SEARCH $'), options).toEqual([`* SEARCH ${saved}`])
    }
  })

  it('has the window first, and of it what has changed (section 3.4)', async () => {
    const { world, client } = await selected()
    await using _ = world
    const [told = ''] = await client.ok('STORE 1 +FLAGS.SILENT (x)')
    expect(told).toBeDefined()
    const status = (await client.ok('STATUS INBOX (HIGHESTMODSEQ)')).join()
    const before = Number(/HIGHESTMODSEQ (\d+)/.exec(status)?.[1]) - 1
    const fetch = async (modifiers: string) =>
      (await client.ok(`UID FETCH 1:* (UID) (${modifiers})`)).map((line) => /FETCH \(UID (\d+)/.exec(line)?.[1])
    expect(await fetch(`CHANGEDSINCE ${before} PARTIAL 1:2`)).toEqual(['1'])
    expect(await fetch(`PARTIAL -1:-2 CHANGEDSINCE ${before}`)).toEqual([])
  })

  it('fetches a window of the messages named', async () => {
    const { world, client } = await selected()
    await using _ = world
    expect(await client.ok('UID FETCH 1:* UID (PARTIAL -1:-2)')).toEqual(['* 3 FETCH (UID 3)', '* 4 FETCH (UID 4)'])
    expect(await client.ok('UID FETCH 2:* UID (PARTIAL 1:1)')).toEqual(['* 2 FETCH (UID 2)'])
    expect((await client.command('FETCH 1:* UID (PARTIAL 1:1)')).at(-1)).toMatch(/BAD/)
  })
})
