import { describe, expect, it } from 'vitest'
import { imapWorld } from './support/imap-world.ts'

/** Multiparts within each other, `depth` of them. */
function nested(depth: number): string {
  let text = 'Subject: deep\r\n'
  for (let at = 0; at < depth; at++) {
    const boundary = `b${String(at).padStart(4, '0')}`
    text += `Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n--${boundary}\r\n`
  }
  return `${text}\r\nin the middle\r\n`
}

function wide(parts: number): string {
  return `Subject: wide\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(parts)}--b--\r\n`
}

async function holding(message: string) {
  const world = await imapWorld()
  await world.deliver('INBOX', Buffer.from(message, 'latin1'))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  const fetch = async (items: string) => (await client.ok(`FETCH 1 (${items})`)).join('\r\n')
  return { world, client, fetch }
}

const path = (depth: number) => Array.from({ length: depth }, () => 1).join('.')

describe('limits on MIME', () => {
  it('reads a hundred levels, and takes the rest for text', async () => {
    const { world, fetch } = await holding(nested(5000))
    await using _ = world
    const structure = await fetch('BODYSTRUCTURE')
    expect(structure.match(/"MIXED"/gi)?.length).toBeLessThanOrEqual(100)
    expect(structure.match(/"MIXED"/gi)?.length).toBeGreaterThan(97)
    expect(structure.split('(').length).toBe(structure.split(')').length)
    expect(await fetch(`BODY.PEEK[${path(50)}]<0.7>`)).toMatch(/\{7\}\r\n--b0050\)$/)
    expect(await fetch('BODY.PEEK[TEXT]<0.7>')).toMatch(/\{7\}\r\n--b0000\)$/)
  })

  it('says BAD to a section deeper than that, and NIL to one that is not there', async () => {
    const { world, client, fetch } = await holding(nested(200))
    await using _ = world
    expect((await client.command(`FETCH 1 BODY.PEEK[${path(101)}]`)).at(-1)).toMatch(/BAD/)
    expect(await fetch(`BODY.PEEK[${path(99)}.2]`)).toMatch(/ NIL\)$/)
    for (const section of ['2', '1.2.3', '4294967295', '1.2.MIME', '2.HEADER', '2.TEXT', '2.HEADER.FIELDS (A)'])
      expect(await fetch(`BODY.PEEK[${section}]<0.10>`), section).toMatch(/ NIL\)$/)
    expect(await fetch('BINARY.PEEK[3] BINARY.SIZE[3]')).toMatch(/BINARY\[3\] NIL BINARY.SIZE\[3\] 0\)$/)
    for (const section of ['0', '1.0', '1..2', '4294967296', 'MIME', '1.NOPE', '-1'])
      expect((await client.command(`FETCH 1 BODY.PEEK[${section}]`)).at(-1), section).toMatch(/BAD/)
  })

  it('reads ten thousand parts, and the last has the rest', async () => {
    const { world, fetch } = await holding(wide(12_000))
    await using _ = world
    expect(await fetch('BODY.PEEK[1]')).toMatch(/BODY\[1\] \{1\}\r\nx\)$/)
    expect(await fetch('BODY.PEEK[9998]')).toMatch(/\{1\}\r\nx\)$/)
    expect(await fetch('BODY.PEEK[10001]')).toMatch(/ NIL\)$/)
    const structure = await fetch('BODYSTRUCTURE')
    expect(structure.match(/"PLAIN"/gi)?.length).toBeLessThan(10_001)
    expect(structure.match(/"PLAIN"/gi)?.length).toBeGreaterThan(9990)
    expect(structure.split('(').length).toBe(structure.split(')').length)
  })

  it.each([
    ['no boundary', 'Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n'],
    ['an empty boundary', 'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\nx\r\n----\r\n'],
    ['a boundary that never comes', 'Content-Type: multipart/mixed; boundary=never\r\n\r\nx\r\n'],
    ['a boundary that never ends', 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n'],
    [
      'an endless boundary',
      `Content-Type: multipart/mixed; boundary="${'b'.repeat(5000)}"\r\n\r\n--${'b'.repeat(5000)}\r\n\r\nx\r\n`,
    ],
    [
      'a boundary within itself',
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n',
    ],
    [
      'a boundary with controls',
      'Content-Type: multipart/mixed; boundary="b\x01\xff"\r\n\r\n--b\x01\xff\r\n\r\nx\r\n--b\x01\xff--\r\n',
    ],
    ['no end of its header', 'Content-Type: multipart/mixed; boundary=b'],
    ['a message in a message that ends', 'Content-Type: message/rfc822\r\n\r\n'],
    ['an unknown encoding', 'Content-Transfer-Encoding: x-none\r\n\r\nx'],
  ])('answers everything of a message with %s', async (_name, message) => {
    const { world, client, fetch } = await holding(message)
    await using _ = world
    for (const items of [
      'BODY',
      'BODYSTRUCTURE',
      'ENVELOPE',
      'BODY.PEEK[1]',
      'BODY.PEEK[1.1.1]',
      'BODY.PEEK[1.MIME]',
    ]) {
      const told = await fetch(items)
      expect(told, items).toMatch(/^\* 1 FETCH \(/)
      expect(told.endsWith(')'), items).toBe(true)
    }
    for (const items of ['BINARY.PEEK[1]', 'BINARY.SIZE[1]', 'BINARY.PEEK[1.1]<0.10>'])
      expect((await client.command(`FETCH 1 ${items}`)).at(-1), items).toMatch(/ OK |NO \[UNKNOWN-CTE\]/)
    expect(await fetch('BODY.PEEK[]')).toBe(`* 1 FETCH (BODY[] {${message.length}}\r\n${message})`)
  })

  it.each([
    ['<0.0>', /BAD/],
    ['<-1.5>', /BAD/],
    ['<5>', /BAD/],
    ['<4294967295.4294967295>', /OK/],
    ['<4294967296.1>', /OK/],
    ['<999999.10>', /OK/],
  ])('takes or refuses the partial %s', async (partial, answer) => {
    const { world, client } = await holding('Subject: x\r\n\r\nabc')
    await using _ = world
    const lines = await client.command(`FETCH 1 BODY.PEEK[TEXT]${partial}`)
    expect(lines.at(-1)).toMatch(answer)
    if (lines.length > 1) expect(lines.slice(0, -1).join('\r\n')).toMatch(/TEXT\]<\d+> \{0\}\r\n\)$/)
  })
})
