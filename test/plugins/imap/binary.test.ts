import { describe, expect, it } from 'vitest'
import { imapWorld } from './support/imap-world.ts'

const OCTETS = Buffer.from(Array.from({ length: 600 }, (_, at) => at % 256))
const LARGE = Buffer.alloc(1_500_000, 'All work and no play. ')

const part = (encoding: string, body: string) =>
  `--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}\r\n`
const folded = (octets: Buffer) => octets.toString('base64').replace(/.{76}/g, '$&\r\n')
const MESSAGE = Buffer.from(
  `Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${[
    part('base64', folded(OCTETS)),
    part('Quoted-Printable', 'Gr=C3=BC=\r\n=C3=9Fe'),
    part('8bit', 'as it is'),
    part('x-uuencode', 'begin 644 x'),
    part('base64', folded(LARGE)),
  ].join('')}--b--\r\n`,
)

async function selected() {
  const world = await imapWorld()
  await world.deliver('INBOX', MESSAGE)
  const client = await world.login()
  await client.ok('SELECT INBOX')
  /** The literal8 that a FETCH of one item answers with. */
  const literal = async (item: string) => {
    client.send(`f FETCH 1 ${item}\r\n`)
    const line = await client.line()
    const [, size] = /~\{(\d+)\}$/.exec(line) ?? []
    if (size === undefined) throw new Error(line)
    const octets = Buffer.from(await client.octets(Number(size)), 'latin1')
    await client.answer('f')
    return { line, octets }
  }
  return { world, client, literal }
}

describe('BINARY (RFC 3516)', () => {
  it('fetches a part without its transfer encoding, NUL octets too, and sets \\Seen but with PEEK', async () => {
    const { world, client, literal } = await selected()
    await using _ = world
    const peeked = await literal('BINARY.PEEK[1]')
    expect(peeked.line).toBe('* 1 FETCH (BINARY[1] ~{600}')
    expect(peeked.octets.equals(OCTETS)).toBe(true)
    expect((await literal('BINARY.PEEK[2]')).octets.toString()).toBe('Grüße')
    expect((await literal('BINARY.PEEK[3]')).octets.toString()).toBe('as it is')
    expect(await client.ok('SEARCH SEEN')).toEqual(['* SEARCH'])
    expect((await literal('BINARY[3]')).line).toBe('* 1 FETCH (FLAGS (\\Seen \\Recent) BINARY[3] ~{8}')
  })

  it('counts a partial in decoded octets, past the end too', async () => {
    const { world, literal } = await selected()
    await using _ = world
    const middle = await literal('BINARY.PEEK[1]<250.20>')
    expect(middle.line).toBe('* 1 FETCH (BINARY[1]<250> ~{20}')
    expect(middle.octets.equals(OCTETS.subarray(250, 270))).toBe(true)
    expect((await literal('BINARY.PEEK[1]<590.100>')).octets.length).toBe(10)
    expect((await literal('BINARY.PEEK[1]<700.1>')).octets.length).toBe(0)
    expect((await literal('BINARY.PEEK[5]<1000000.100>')).octets.equals(LARGE.subarray(1_000_000, 1_000_100))).toBe(
      true,
    )
  })

  it('tells sizes, streams what is large, and gives the whole message as it is', async () => {
    const { world, client, literal } = await selected()
    await using _ = world
    expect(await client.ok('FETCH 1 (BINARY.SIZE[1] BINARY.SIZE[2] BINARY.SIZE[5] BINARY.SIZE[9])')).toEqual([
      `* 1 FETCH (BINARY.SIZE[1] 600 BINARY.SIZE[2] 7 BINARY.SIZE[5] ${LARGE.length} BINARY.SIZE[9] 0)`,
    ])
    expect((await literal('BINARY.PEEK[5]')).octets.equals(LARGE)).toBe(true)
    expect((await literal('BINARY.PEEK[]')).octets.equals(MESSAGE)).toBe(true)
    expect(await client.ok('FETCH 1 BINARY.PEEK[9]')).toEqual(['* 1 FETCH (BINARY[9] NIL)'])
  })

  it('says which encodings it does not know, and which sections have none', async () => {
    const { world, client } = await selected()
    await using _ = world
    expect((await client.command('FETCH 1 BINARY.PEEK[4]')).at(-1)).toMatch(/NO \[UNKNOWN-CTE\]/)
    expect((await client.command('FETCH 1 BINARY.SIZE[4]')).at(-1)).toMatch(/NO \[UNKNOWN-CTE\]/)
    for (const item of ['BINARY[1.MIME]', 'BINARY[HEADER]', 'BINARY.SIZE[1]<0.1>', 'BINARY[1]<0.0>', 'BINARY']) {
      expect((await client.command(`FETCH 1 ${item}`)).at(-1), item).toMatch(/BAD/)
    }
  })

  it('takes a message in a binary literal, NUL octets and all', async () => {
    const { world, client } = await selected()
    await using _ = world
    expect((await client.command('APPEND INBOX ~{6+}\r\nA: b\r\n')).at(-1)).toMatch(/OK \[APPENDUID/)
    expect((await client.command('APPEND INBOX ~{9+}\r\n\r\nA\0b\r\n\r\n')).at(-1)).toMatch(/OK/)
    expect(await client.ok('STATUS INBOX (MESSAGES)')).toEqual(['* STATUS "INBOX" (MESSAGES 3)'])
  })
})
