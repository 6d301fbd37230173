import { expect, it } from 'vitest'
import { imapWorld, mail, type World } from './support/imap-world.ts'
import type { TestClient } from './support/test-client.ts'

const ENCODED = `From: =?iso-8859-1?Q?J=FCrgen?= <juergen@example.test>
To: team@example.test
Cc: "Doe, Jane" <jane@example.test>
Subject: =?utf-8?B?w5xiZXJyYXNjaHVuZw==?=
Date: Wed, 31 Dec 2025 23:30:00 -0800
X-Class: Secret Stuff
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Stra=C3=9Fe und Caf=
=C3=A9 am Meer
--b
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: base64

PGI+R3L832U8L2I+
--b
Content-Type: application/octet-stream; name=photo.bin
Content-Transfer-Encoding: base64

aGlkZGVu
--b--
`

async function opened(world: World): Promise<TestClient> {
  await world.deliver('INBOX', mail('Plain one', 'The quick brown fox'), ENCODED, mail('Third', 'lazy dog'))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  return client
}

const numbers = (lines: readonly string[]) => lines.at(-1)?.replace(/^\* SEARCH ?/, '')

it('answers every key of RFC 3501 section 6.4.4', async () => {
  await using world = await imapWorld()
  const client = await opened(world)
  await client.ok('STORE 1 +FLAGS.SILENT (\\Seen \\Answered $Work)')
  await client.ok('STORE 2 +FLAGS.SILENT (\\Flagged \\Draft)')
  await client.ok('STORE 3 +FLAGS.SILENT (\\Deleted)')
  const table: readonly (readonly [string, string])[] = [
    ['ALL', '1 2 3'],
    ['ANSWERED', '1'],
    ['BCC x', ''],
    ['BEFORE 2-Jan-2026', ''],
    ['BEFORE 3-Jan-2026', '1 2 3'],
    ['BODY "quick brown"', '1'],
    ['CC doe', '2'],
    ['DELETED', '3'],
    ['DRAFT', '2'],
    ['FLAGGED', '2'],
    ['FROM bob@EXAMPLE', '1 3'],
    ['HEADER x-class secret', '2'],
    ['HEADER X-Class ""', '2'],
    ['HEADER Message-ID third@', '3'],
    ['KEYWORD $work', '1'],
    ['LARGER 300', '2'],
    ['NEW', '2 3'],
    ['NOT SEEN', '2 3'],
    ['OLD', ''],
    ['ON 02-Jan-2026', '1 2 3'],
    ['OR FLAGGED DELETED', '2 3'],
    ['RECENT', '1 2 3'],
    ['SEEN', '1'],
    ['SENTBEFORE 1-Jan-2026', '2'],
    ['SENTON "31-Dec-2025"', '2'],
    ['SENTSINCE 1-Jan-2026', '1 3'],
    ['SINCE 2-Jan-2026', '1 2 3'],
    ['SMALLER 300', '1 3'],
    ['SUBJECT third', '3'],
    ['TEXT x-class', '2'],
    ['TO team', '2'],
    ['UID 2:*', '2 3'],
    ['UNANSWERED', '2 3'],
    ['UNDELETED', '1 2'],
    ['UNDRAFT', '1 3'],
    ['UNFLAGGED', '1 3'],
    ['UNKEYWORD $Work', '2 3'],
    ['UNSEEN', '2 3'],
    ['1,3', '1 3'],
    ['*', '3'],
    ['1:2 UNSEEN', '2'],
    ['(OR (1 SEEN) 3) NOT (FROM nobody)', '1 3'],
    ['NOT NOT NOT TEXT fox', '2 3'],
    ['OR BODY fox SUBJECT third', '1 3'],
    ['CHARSET US-ASCII TEXT FOX', '1'],
    ['99', ''],
  ]
  for (const [key, expected] of table) {
    expect(numbers(await client.ok(`SEARCH ${key}`)), key).toBe(expected)
    expect(numbers(await client.ok(`UID SEARCH ${key}`)), `UID ${key}`).toBe(expected)
  }
})

it('searches decoded text, without case', async () => {
  await using world = await imapWorld()
  const client = await opened(world)
  const utf8 = async (key: string, text: string) => {
    const octets = Buffer.from(text).toString('latin1')
    return numbers(await client.ok(`SEARCH CHARSET UTF-8 ${key} {${octets.length}+}\r\n${octets}`))
  }
  expect(await utf8('SUBJECT', 'ÜBERRASCHUNG')).toBe('2')
  expect(await utf8('FROM', 'jürgen')).toBe('2')
  expect(await utf8('HEADER From', 'JÜRGEN <')).toBe('2')
  expect(await utf8('BODY', 'CAFÉ AM')).toBe('2')
  expect(await utf8('TEXT', 'grüße')).toBe('2')
  expect(await utf8('BODY', 'Überraschung')).toBe('')
  expect(await utf8('TEXT', 'überraschung')).toBe('2')
  expect(await utf8('TEXT', 'hidden')).toBe('')
  expect(await utf8('TEXT', 'photo.bin')).toBe('2')
})

it('refuses what is no search', async () => {
  await using world = await imapWorld()
  const client = await opened(world)
  const refused = async (text: string) => (await client.command(text)).at(-1)?.replace(/^t\d+ /, '')
  expect(await refused('SEARCH CHARSET KOI8-R TEXT x')).toBe('NO [BADCHARSET (US-ASCII UTF-8)] Unknown charset')
  expect(await refused('SEARCH')).toBe('BAD Missing argument')
  expect(await refused('SEARCH FOO')).toBe('BAD No such search key')
  expect(await refused('SEARCH ON 31-Feb-2026')).toBe('BAD No such day')
  expect(await refused('SEARCH ON yesterday')).toBe('BAD Date expected')
  expect(await refused('SEARCH (ALL')).toMatch(/^BAD/)
  expect(await refused(`SEARCH ${'('.repeat(100)}ALL${')'.repeat(100)}`)).toBe('BAD Search is too complex')
  expect(await refused(`SEARCH ${'NOT '.repeat(100)}ALL`)).toBe('BAD Search is too complex')
  expect(await refused('SEARCH TEXT {1+}\r\n\xff')).toBe('BAD Invalid UTF-8')
})

it('finds text that lies across the pieces of a large message', async () => {
  await using world = await imapWorld()
  const filler = 'lorem ipsum dolor sit amet\r\n'.repeat(40_000)
  await world.deliver(
    'INBOX',
    Buffer.from(
      `Subject: big\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${filler}the Ναύτης spoke\r\n${filler}`,
    ),
  )
  const client = await world.login()
  await client.ok('SELECT INBOX')
  const needle = Buffer.from('THE ναύτηΣ SPOKE').toString('latin1')
  expect(numbers(await client.ok(`SEARCH BODY {${needle.length}+}\r\n${needle}`))).toBe('1')
  expect(numbers(await client.ok('SEARCH BODY "not in there"'))).toBe('')
})

it('stops searching when the client leaves', async () => {
  let reads = 0
  await using world = await imapWorld({
    wrapBlobs: (blobs) => ({
      ...blobs,
      async *readMany(refs) {
        for (let at = 0; at < refs.length; at += 10) {
          reads += 10
          await new Promise((resolve) => setTimeout(resolve, 2))
          yield* blobs.readMany(refs.slice(at, at + 10))
        }
      },
    }),
  })
  await world.deliver('INBOX', ...Array.from({ length: 2000 }, (_, at) => mail(`m${at}`)))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  client.send('x SEARCH TEXT "not in there"\r\n')
  await new Promise((resolve) => setTimeout(resolve, 50))
  client.socket.resetAndDestroy()
  await world.sessions.allEnded()
  expect(reads).toBeGreaterThan(0)
  expect(reads).toBeLessThan(1500)
})
