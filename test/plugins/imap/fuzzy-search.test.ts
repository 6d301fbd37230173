import { memorySearchIndex } from 'mailserver/testing'
import { describe, expect, it } from 'vitest'
import { Offers } from '../../../plugins/imap/offer.ts'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail } from './support/imap-world.ts'

const encoded = `From: =?utf-8?Q?J=C3=B6rg_M=C3=BCller?= <jm@example.test>
To: alice@example.test
Subject: =?utf-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?=
X-Topic: Hello there

Nothing.
`

const large = mail('large', `${'Filling. '.repeat(60_000)}\nThe Helo is at the end.`)

async function selected() {
  const world = await imapWorld()
  await world.deliver(
    'INBOX',
    mail('Does IMAP break?', 'Nothing.'),
    mail('work', 'Nothing.'),
    mail('Breaking of IMAP', 'Nothing.'),
    mail('help', 'Say hello.'),
    mail('else', 'Nothing alike.'),
    encoded,
    large,
  )
  const client = await world.login()
  await client.ok('SELECT INBOX')
  return { world, client }
}

describe('SEARCH=FUZZY (RFC 6203)', () => {
  it('finds what is like the text, with the rest of the search exact (section 3)', async () => {
    const { world } = await selected()
    await using _ = world
    await dialog(
      world,
      `# selected
       C: A1 SEARCH FUZZY (SUBJECT "IMAP break")
       S: * SEARCH 1 3
       S: A1 OK Search completed
       C: A2 SEARCH FUZZY SUBJECT work FROM bob@example.test
       S: * SEARCH 2
       S: A2 OK Search completed
       C: A3 SEARCH FUZZY SUBJECT wrok FROM bbo@example.test
       S: * SEARCH
       S: A3 OK Search completed
       C: A4 SEARCH FUZZY (SUBJECT wrok FROM bbo@example.test)
       S: * SEARCH 2
       S: A4 OK Search completed`,
    )
  })

  it('tells how relevant each message is (section 4)', async () => {
    const { world, client } = await selected()
    await using _ = world
    const told = async (text: string) => (await client.ok(text)).map((line) => line.replace(/TAG "t\d+"/, 'TAG'))
    expect(await told('SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT "Helo"')).toEqual([
      '* ESEARCH (TAG) ALL 4,6:7 RELEVANCY (67 67 100)',
    ])
    expect(await told('UID SEARCH RETURN (RELEVANCY COUNT) FUZZY SUBJECT "IMAP break"')).toEqual([
      expect.stringMatching(/^\* ESEARCH \(TAG\) UID RELEVANCY \(100 \d\d\) COUNT 2$/),
    ])
    expect(await told('SEARCH RETURN (RELEVANCY PARTIAL -1:-1) FUZZY TEXT helo')).toEqual([
      '* ESEARCH (TAG) PARTIAL (-1:-1 7) RELEVANCY (100)',
    ])
    expect(await told('SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT nowhere-to-be-seen')).toEqual([
      '* ESEARCH (TAG) RELEVANCY ()',
    ])
    // Keys that are no text are met wholly or not at all (section 5).
    expect(await told('SEARCH RETURN (RELEVANCY ALL) FUZZY (SMALLER 200 SINCE 1-Jan-2020)')).toEqual([
      expect.stringMatching(/ALL [\d:,]+ RELEVANCY \((100 ?)+\)$/),
    ])
    expect((await client.ok('ESEARCH IN (personal) RETURN (RELEVANCY) FUZZY SUBJECT wrok')).join()).toMatch(
      /UID RELEVANCY \(67\)$/,
    )
  })

  it('sorts by relevancy, the best first (section 6)', async () => {
    const { world, client } = await selected()
    await using _ = world
    expect(await client.ok('SORT (RELEVANCY) UTF-8 FUZZY TEXT "Helo"')).toEqual(['* SORT 7 4 6'])
    expect(await client.ok('SORT (REVERSE RELEVANCY REVERSE ARRIVAL) UTF-8 FUZZY TEXT Helo')).toEqual(['* SORT 4 6 7'])
    expect(await client.ok('SORT (RELEVANCY SUBJECT) UTF-8 FUZZY TEXT Helo')).toEqual(['* SORT 7 6 4'])
    expect(await client.ok('SORT RETURN (RELEVANCY ALL) (RELEVANCY) UTF-8 FUZZY TEXT "Helo"')).toEqual([
      expect.stringMatching(/ALL 7,4,6 RELEVANCY \(100 67 67\)$/),
    ])
    expect(await client.ok('UID SORT RETURN (PARTIAL 1:2) (RELEVANCY) UTF-8 FUZZY TEXT Helo')).toEqual([
      expect.stringMatching(/UID PARTIAL \(1:2 7,4\)$/),
    ])
  })

  it.each([
    'SEARCH RETURN (RELEVANCY) SUBJECT x',
    'SEARCH RETURN (RELEVANCY) NOT SUBJECT x',
    'SORT (RELEVANCY) UTF-8 SUBJECT x',
    'SORT RETURN (RELEVANCY) (DATE) UTF-8 ALL',
    'ESEARCH IN (personal) RETURN (RELEVANCY) SUBJECT x',
    'SEARCH FUZZY',
    'SEARCH FUZZY ',
    'SEARCH FUZZY x',
    `SEARCH ${'FUZZY '.repeat(40)}ALL`,
  ])('%s is wrong', async (command) => {
    const { world, client } = await selected()
    await using _ = world
    expect((await client.command(command)).at(-1)).toMatch(/ BAD /)
  })

  it('looks into headers, encoded words and addresses, without case and marks', async () => {
    const { world, client } = await selected()
    await using _ = world
    expect(await client.ok('SEARCH FUZZY FROM "jorg muller"')).toEqual(['* SEARCH 6'])
    expect(await client.ok('SEARCH FUZZY SUBJECT "grusse koln"')).toEqual(['* SEARCH 6'])
    expect(await client.ok('SEARCH FUZZY HEADER X-Topic helo')).toEqual(['* SEARCH 6'])
    expect(await client.ok('SEARCH RETURN (RELEVANCY ALL) FUZZY HEADER X-Topic helo')).toEqual([
      expect.stringMatching(/ALL 6 RELEVANCY \(67\)$/),
    ])
    expect(await client.ok('SEARCH FUZZY HEADER X-Topic ""')).toEqual(['* SEARCH 6'])
    expect(await client.ok('SEARCH FUZZY BODY helo')).toEqual(['* SEARCH 4 7'])
    expect(await client.ok('SEARCH FUZZY BODY ""')).toEqual(['* SEARCH 1 2 3 4 5 6 7'])
    expect(await client.ok('SEARCH FUZZY TO alcie')).toEqual(['* SEARCH 1 2 3 4 5 6 7'])
    expect(await client.ok('SEARCH FUZZY CC alice')).toEqual(['* SEARCH'])
  })

  it('finds the same whether or not somebody asks how relevant it is', async () => {
    const { world, client } = await selected()
    await using _ = world
    for (const key of [
      'OR SEEN FUZZY BODY helo',
      'FUZZY (OR SUBJECT wrok BODY helo)',
      'NOT FUZZY TEXT helo',
      'FUZZY NOT (TEXT helo SUBJECT help)',
      'OR FUZZY HEADER X-Topic helo FUZZY SUBJECT breaks',
      'FUZZY TEXT helo BODY hello',
      'OR ALL FUZZY TEXT helo',
      'FUZZY (TEXT helo SUBJECT help EMAILID x)',
    ]) {
      const [plain] = await client.ok(`SEARCH RETURN (ALL) ${key}`)
      const [ranked = ''] = await client.ok(`SEARCH RETURN (ALL RELEVANCY) ${key}`)
      const results = (line = '') => / ALL ([\d:,]+)/.exec(line)?.[1]
      expect(results(ranked), key).toBe(results(plain))
      const scores = (/RELEVANCY \(([^)]*)\)/.exec(ranked)?.[1] ?? '').split(' ').filter(Boolean).map(Number)
      expect(
        scores.every((score) => score >= 1 && score <= 100),
        ranked,
      ).toBe(true)
    }
    // The better of two, the mean of both.
    const relevancy = async (key: string) => (await client.ok(`SEARCH RETURN (RELEVANCY) ${key}`))[0]?.split('CY ')[1]
    expect(await relevancy('4 FUZZY (OR SUBJECT help BODY helo)')).toBe('(100)')
    expect(await relevancy('4 FUZZY (SUBJECT help BODY helo)')).toBe('(84)')
  })

  it('asks no index, which knows texts as they are', async () => {
    const asked: unknown[] = []
    const index = new Proxy(memorySearchIndex(), {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (name === 'search') asked.push(args[2])
          return value.apply(target, args) as unknown
        }
      },
    })
    await using world = await imapWorld({ index })
    await world.deliver('INBOX', mail('one', 'hello'))
    const client = await world.login()
    await client.ok('SELECT INBOX')
    expect(await client.ok('SEARCH FUZZY BODY helo')).toEqual(['* SEARCH 1'])
    expect(asked).toEqual([])
    expect(await client.ok('SEARCH FUZZY BODY helo TEXT one')).toEqual(['* SEARCH 1'])
    expect(asked).toEqual([[{ within: 'text', needle: 'one' }]])
  })

  it('is gone with its capability', async () => {
    await using world = await imapWorld({ offers: new Offers(['SEARCH=FUZZY']) })
    const client = await world.login()
    expect((await client.ok('CAPABILITY')).join()).not.toContain('FUZZY')
    await client.ok('SELECT INBOX')
    expect((await client.command('SEARCH FUZZY ALL')).at(-1)).toMatch(/ BAD /)
  })
})
