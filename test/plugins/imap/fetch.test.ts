import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail } from './support/imap-world.ts'

const DATA = resolve(import.meta.dirname, '../../../../shared/data/messages')
const hasData = (() => {
  try {
    return readdirSync(DATA).length > 0
  } catch {
    return false
  }
})()

/** What is left of an answer when the octets of its literals are taken out. */
function withoutLiterals(text: string): string {
  let left = ''
  for (let rest = text; rest !== ''; ) {
    const match = /\{(\d+)\}\r\n/.exec(rest)
    left += match === null ? rest : rest.slice(0, match.index)
    rest = match === null ? '' : rest.slice(match.index + match[0].length + Number(match[1]))
  }
  return left
}

const NESTED = `From: Fred <fred@example.test>
Subject: =?utf-8?Q?gr=C3=BC=C3=9Fe?=
Date: Mon, 7 Feb 1994 21:52:25 -0800
Content-Type: multipart/mixed; boundary=outer

preamble
--outer
Content-Type: text/plain

first part
--outer
Content-Type: message/rfc822

Subject: inside
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=us-ascii

inner text
--inner
Content-Type: text/html

<p>inner</p>
--inner--
--outer--
`

it('serves sections of a nested message (RFC 3501 section 6.4.5)', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', NESTED)
  const client = await world.login()
  await client.ok('SELECT INBOX')
  const section = async (name: string) => {
    const lines = await client.ok(`FETCH 1 BODY.PEEK[${name}]`)
    const text = lines.join('\r\n')
    const match = /^\* 1 FETCH \(BODY\[[^\]]*\](?:<\d+>)? (?:NIL|\{(\d+)\}\r\n)([\s\S]*)\)$/.exec(text)
    if (match === null) throw new Error(text)
    if (match[1] === undefined) return undefined
    expect(match[2]).toHaveLength(Number(match[1]))
    return match[2]
  }
  const whole = NESTED.replaceAll('\n', '\r\n')
  expect(await section('')).toBe(whole)
  expect(await section('HEADER')).toBe(whole.slice(0, whole.indexOf('preamble')))
  expect(await section('TEXT')).toBe(whole.slice(whole.indexOf('preamble')))
  expect(await section('1')).toBe('first part')
  expect(await section('1.MIME')).toBe('Content-Type: text/plain\r\n\r\n')
  expect(await section('2.HEADER')).toBe(
    'Subject: inside\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n',
  )
  expect(await section('2.HEADER.FIELDS (SUBJECT)')).toBe('Subject: inside\r\n\r\n')
  expect(await section('2.HEADER.FIELDS.NOT (SUBJECT)')).toBe(
    'Content-Type: multipart/alternative; boundary=inner\r\n\r\n',
  )
  expect(await section('2.1')).toBe('inner text')
  expect(await section('2.2')).toBe('<p>inner</p>')
  expect(await section('2.2.MIME')).toBe('Content-Type: text/html\r\n\r\n')
  expect(await section('2.TEXT')).toMatch(/^--inner\r\n[\s\S]*--inner--$/)
  expect(await section('2')).toBe(`${await section('2.HEADER')}${await section('2.TEXT')}`)
  expect(await section('3')).toBeUndefined()
  expect(await section('1.1')).toBeUndefined()
  expect(await section('1.HEADER')).toBeUndefined()
  expect(await section('2.3')).toBeUndefined()
})

it('serves partials, and nothing past the end', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('partial', '0123456789'))
  await dialog(
    world,
    `
    # selected
    C: a1 FETCH 1 BODY.PEEK[TEXT]<2.3>
    S: * 1 FETCH (BODY[TEXT]<2> {3}
    S: 234)
    S: a1 OK Fetch completed
    C: a2 FETCH 1 (BODY.PEEK[TEXT]<8.100> BODY.PEEK[TEXT]<100.5>)
    S: * 1 FETCH (BODY[TEXT]<8> {4}
    S: 89
    S:  BODY[TEXT]<100> {0}
    S: )
    S: a2 OK Fetch completed
    C: a3 FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]<0.7>
    S: * 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)]<0> {7}
    S: Subject)
    S: a3 OK Fetch completed
    C: a4 FETCH 1 BODY[TEXT]<0.0>
    S: a4 BAD Invalid partial
    C: a5 FETCH 1 BODY[1
    S: ~ ^a5 BAD
    C: a6 FETCH 1 BODY[MIME]
    S: a6 BAD No such section
    C: a7 FETCH 1 ()
    S: a7 BAD Nothing to fetch
    C: a8 FETCH 1 (FLAGS NONSENSE)
    S: a8 BAD No such data item
    C: a9 FETCH 0 FLAGS
    S: a9 BAD Invalid number in a sequence set
  `,
  )
})

it('sets \\Seen with what it sends, and tells it once', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('1'), mail('2'))
  await dialog(
    world,
    `
    # selected
    C: a1 FETCH 1 BODY.PEEK[TEXT]
    S: * 1 FETCH (BODY[TEXT] {8}
    S: Hello.
    S: )
    S: a1 OK Fetch completed
    C: a2 FETCH 1:2 BODY[TEXT]
    S: * 1 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {8}
    S: Hello.
    S: )
    S: * 2 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {8}
    S: Hello.
    S: )
    S: a2 OK Fetch completed
    C: a3 UID FETCH 1 RFC822.TEXT
    S: * 1 FETCH (UID 1 RFC822.TEXT {8}
    S: Hello.
    S: )
    S: a3 OK Fetch completed
    C: a4 NOOP
    S: a4 OK Noop completed
  `,
  )
})

it('answers the macros and the structure as the index has it', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('macro'))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  const size = /RFC822.SIZE (\d+)/.exec((await client.ok('FETCH 1 FAST')).join())?.[1]
  const envelope =
    'ENVELOPE ("Thu, 01 Jan 2026 10:00:00 +0000" "macro" (("Bob" NIL "bob" "example.test")) (("Bob" NIL "bob" "example.test")) (("Bob" NIL "bob" "example.test")) ((NIL NIL "alice" "example.test")) NIL NIL NIL "<macro@example.test>")'
  const fast = `FLAGS (\\Recent) INTERNALDATE " 2-Jan-2026 03:04:05 +0000" RFC822.SIZE ${size}`
  expect(await client.ok('FETCH 1 FAST')).toEqual([`* 1 FETCH (${fast})`])
  expect(await client.ok('FETCH 1 ALL')).toEqual([`* 1 FETCH (${fast} ${envelope})`])
  const [full] = await client.ok('FETCH 1 FULL')
  expect(full).toMatch(/ BODY \("TEXT" "PLAIN" .*\)\)$/i)
  const [structure] = await client.ok('FETCH 1 (BODYSTRUCTURE)')
  expect(structure).toMatch(/^\* 1 FETCH \(BODYSTRUCTURE \("text" "plain" .*\)\)$/i)
})

it('never sends raw 8-bit text outside a literal', async () => {
  await using world = await imapWorld()
  await world.deliver(
    'INBOX',
    Buffer.from('From: J\xfcrgen <j@example.test>\r\nSubject: \xe4\xf6\xfc\r\n\r\nx\r\n', 'latin1'),
  )
  await world.store.createMailbox(world.account, 'Übung')
  const client = await world.login()
  const said = [...(await client.ok('LIST "" *')), ...(await client.ok('SELECT "&ANw-bung"'))]
  await client.ok('SELECT INBOX')
  client.send('x FETCH 1 (ENVELOPE BODYSTRUCTURE)\r\n')
  const lines = (await client.answer('x')).join('\r\n')
  const left = withoutLiterals(lines)
  for (const text of [...said, left]) expect(text).toMatch(/^[\r\n\x20-\x7e]*$/)
})

it.skipIf(!hasData)('says the structure of real messages in ASCII, literals aside (needs ../shared/data)', async () => {
  await using world = await imapWorld()
  const messages = readdirSync(DATA).flatMap((dir) =>
    readdirSync(join(DATA, dir)).map((name) => readFileSync(join(DATA, dir, name))),
  )
  await world.deliver('INBOX', ...messages)
  const client = await world.login()
  await client.ok('SELECT INBOX')
  client.send('x FETCH 1:* (UID ENVELOPE BODY BODYSTRUCTURE)\r\n')
  const lines = (await client.answer('x')).join('\r\n')
  const left = withoutLiterals(lines)
  expect(left).toMatch(/^[\r\n\x20-\x7e]*$/)
  expect(left.match(/^\* \d+ FETCH /gm)).toHaveLength(messages.length)
  // Parentheses balance once quoted strings are out as well.
  const bare = left.replace(/"(?:[^"\\]|\\.)*"/g, '')
  expect(bare.split('(').length).toBe(bare.split(')').length)
})

it('holds little of a message, however many sections are asked for', async () => {
  let held = 0
  let most = 0
  await using world = await imapWorld({
    wrapBlobs: (blobs) => ({
      ...blobs,
      async read(ref, range) {
        const octets = await blobs.read(ref, range)
        held += octets.length
        most = Math.max(most, held)
        return octets
      },
    }),
  })
  const body = 'x'.repeat(400_000)
  await world.deliver('INBOX', mail('wide', body))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  const names = Array.from({ length: 50 }, (_, at) => `BODY.PEEK[TEXT]<${at}.390000>`)
  const lines = await client.ok(`FETCH 1 (${names.join(' ')})`)
  expect(lines.join('').match(/\{390000\}/g)).toHaveLength(50)
  expect(most).toBeLessThan(1_100_000)
})

it('streams a large body in bounded pieces', async () => {
  await using world = await imapWorld()
  const body = Buffer.alloc(3 * 1024 * 1024, 'abcdefghijklmnopqrstuvwxyz012345')
  const message = Buffer.concat([Buffer.from('Subject: big\r\n\r\n'), body])
  await world.deliver('INBOX', message)
  const client = await world.login()
  await client.ok('SELECT INBOX')
  client.send('x FETCH 1 (BODY.PEEK[] UID)\r\n')
  expect(await client.line()).toBe(`* 1 FETCH (UID 1 BODY[] {${message.length}}`)
  expect((await client.octets(message.length)) === message.toString('latin1')).toBe(true)
  expect(await client.line()).toBe(')')
  expect(await client.line()).toBe('x OK Fetch completed')
  client.send('y FETCH 1 BODY.PEEK[TEXT]<1048576.1048576>\r\n')
  expect(await client.line()).toBe('* 1 FETCH (BODY[TEXT]<1048576> {1048576}')
  expect((await client.octets(1048576)) === body.toString('latin1', 1048576, 2097152)).toBe(true)
  expect(await client.line()).toBe(')')
  expect(await client.line()).toBe('y OK Fetch completed')
})
