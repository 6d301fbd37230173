import { type BlobStore, MailError } from 'mailserver'
import { expect, it } from 'vitest'
import { imapWorld, mail, type World } from './support/imap-world.ts'

const long = (octets: number, end: string) =>
  Buffer.from(`Subject: long\r\nX-Long: ${'x'.repeat(octets)}\r\nTo: last${end}`, 'latin1')

/** Headers of every shape that a message may have. */
const MESSAGES: readonly Buffer[] = [
  Buffer.from('Subject: plain\r\nTo: a\r\n\r\nbody\r\n\r\nmore\r\n'),
  Buffer.from('Subject: bare\nTo: a\n\nbody\n'),
  Buffer.from('Subject: mixed\r\nTo: a\n\r\nbody\r\n'),
  Buffer.from('Subject: no body\r\nTo: a\r\n'),
  Buffer.from('Subject: no end'),
  Buffer.from('Subject: empty body\r\n\r\n'),
  Buffer.from('\r\nonly a body\r\n'),
  Buffer.from('\n'),
  Buffer.from('\r'),
  Buffer.from('no field\r\nSubject: after it\r\n\r\nbody'),
  Buffer.from('Subject: fol\r\n ded\r\n\t\r\nTo: a\r\n\r\nbody'),
  Buffer.from('sUBJECT : odd\r\nSubjects: not it\r\n\r\nbody'),
  Buffer.from('Subject: lone \r cr\r\r\nTo: a\r\n\r\nbody'),
  Buffer.from('Subject: gr\xfc\xdfe\r\nTo: a\r\n\r\nbody', 'latin1'),
  // Around what is read of every message at first.
  ...[32_700, 32_719, 32_720, 32_721, 32_722, 32_723, 32_724, 32_725, 32_726, 32_727, 32_730, 70_000].flatMap(
    (size) => [long(size, '\r\n\r\nbody'), long(size, '\r\n\r\n'), long(size, '\r\n')],
  ),
]

type Shown = ReadonlyMap<string, readonly (readonly [label: string, text: string])[]>

/** The literals of each FETCH response by its UID. */
async function shown(world: World, command: string): Promise<Shown> {
  const client = await world.login()
  await client.ok('EXAMINE INBOX')
  client.send(`f ${command}\r\n`)
  const found = new Map<string, [string, string][]>()
  for (;;) {
    let line = await client.line()
    if (line.startsWith('f ')) {
      expect(line).toMatch(/^f OK/)
      return found
    }
    const uid = /^\* \d+ FETCH \(UID (\d+) /.exec(line)?.[1] as string
    const parts: [string, string][] = []
    for (let literal = /(BODY\S*(?: \(.*?\)\]\S*)?) \{(\d+)\}$/.exec(line); literal !== null; ) {
      parts.push([literal[1] as string, await client.octets(Number(literal[2]))])
      line = await client.line()
      literal = /(BODY\S*(?: \(.*?\)\]\S*)?) \{(\d+)\}$/.exec(line)
    }
    expect(line).toBe(')')
    found.set(uid, parts)
  }
}

const HEADERS = 'BODY.PEEK[HEADER] BODY.PEEK[HEADER.FIELDS (subject TO)] BODY.PEEK[HEADER.FIELDS.NOT (X-Long To)]<3.20>'

it('finds the same headers without the index as by it', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', ...MESSAGES)
  const alone = await shown(world, `UID FETCH 1:* (${HEADERS})`)
  // What else is asked for has the index read, which knows where each header ends.
  const byIndex = await shown(world, `UID FETCH 1:* (${HEADERS} BODY.PEEK[TEXT]<0.1>)`)
  expect(alone.size).toBe(MESSAGES.length)
  for (const [uid, parts] of byIndex) expect(alone.get(uid), `UID ${uid}`).toEqual(parts.slice(0, 3))
  // Read once more, then from memory.
  for (const turn of ['second', 'third']) expect(await shown(world, `UID FETCH 1:* (${HEADERS})`), turn).toEqual(alone)
  expect(alone.get('1')).toEqual([
    ['BODY[HEADER]', 'Subject: plain\r\nTo: a\r\n\r\n'],
    ['BODY[HEADER.FIELDS (subject TO)]', 'Subject: plain\r\nTo: a\r\n\r\n'],
    ['BODY[HEADER.FIELDS.NOT (X-Long To)]<3>', 'ject: plain\r\n\r\n'],
  ])
})

it('sets \\Seen by a header that is not only looked at, long ones too', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('one'), long(40_000, '\r\n\r\nbody'), mail('three'), mail('four'))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  const lines = await client.ok('FETCH 1:* BODY[HEADER.FIELDS (X-None)]')
  expect(lines.filter((line) => line.includes('FETCH')).sort()).toEqual(
    [1, 2, 3, 4].map((number) => `* ${number} FETCH (FLAGS (\\Seen \\Recent) BODY[HEADER.FIELDS (X-None)] {2}`),
  )
})

function damaging(blobs: BlobStore, damaged: ReadonlySet<number>): BlobStore {
  let last = 0
  const numbers = new Map<string, number>()
  const numberOf = (ref: string) => {
    if (!numbers.has(ref)) numbers.set(ref, ++last)
    return numbers.get(ref) as number
  }
  return {
    ...blobs,
    async *readRanges(wanted) {
      for (const each of wanted) {
        if (damaged.has(numberOf(each.ref))) throw new MailError('CORRUPT', 'damaged')
        yield* blobs.readRanges([each])
      }
    },
  }
}

it('names the messages whose octets are damaged, and sends all others', async () => {
  await using world = await imapWorld({ wrapBlobs: (blobs) => damaging(blobs, new Set([2, 5])) })
  await world.deliver('INBOX', ...['one', 'two', 'three', 'four', 'five', 'six'].map((subject) => mail(subject)))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  const lines = await client.command('FETCH 1:* BODY.PEEK[HEADER.FIELDS (Subject)]')
  expect(lines.filter((line) => line.startsWith('Subject')).join(' ')).toBe(
    'Subject: one Subject: three Subject: four Subject: six',
  )
  expect(lines.at(-1)).toMatch(/^t\d+ NO .*UID 2, 5;/)
})

it('looks for header fields in the headers alone, however large the messages', async () => {
  const read: [start: number, end: number][] = []
  await using world = await imapWorld({
    wrapBlobs: (blobs) => ({
      ...blobs,
      async *readRanges(wanted) {
        read.push(
          ...wanted.map(({ range }) => [range?.start ?? 0, range?.end ?? Number.POSITIVE_INFINITY] as [number, number]),
        )
        yield* blobs.readRanges(wanted)
      },
      read: () => Promise.reject(new Error('a message is read by itself')),
      readMany: () => {
        throw new Error('whole messages are read')
      },
    }),
  })
  const body = 'x'.repeat(400_000)
  await world.deliver(
    'INBOX',
    ...['a', 'b', 'c', 'd', 'e'].map((name) => `X-Name: is ${name}\r\n\r\n${body}`),
    Buffer.from(`X-Name: none\r\n\r\nX-Name: is c\r\n`),
  )
  const client = await world.login()
  await client.ok('SELECT INBOX')
  expect(await client.ok('SEARCH HEADER X-Name "IS C"')).toContain('* SEARCH 3')
  expect(await client.ok('SEARCH HEADER X-Name ""')).toContain('* SEARCH 1 2 3 4 5 6')
  expect(await client.ok('SEARCH NOT HEADER X-Name "is" HEADER X-None "a"')).toContain('* SEARCH')
  // The third had them from memory.
  expect(read).toHaveLength(12)
  expect(Math.max(...read.map(([, end]) => end))).toBe(32_768)
  read.length = 0
  // The subject is known from the index, and with it where each header ends.
  expect(await client.ok('SEARCH OR SUBJECT "none" HEADER X-Name "is b"')).toContain('* SEARCH 2')
  expect(Math.max(...read.map(([, end]) => end))).toBeLessThan(100)
})

it('looks for header fields in headers of every shape', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', ...MESSAGES)
  const client = await world.login()
  await client.ok('SELECT INBOX')
  for (const key of ['HEADER To "a"', 'HEADER To "last"', 'NOT HEADER Subject "long"', 'HEADER X-Long "xxx" SEEN']) {
    // With a condition that takes the index, which is met by all.
    expect(await client.ok(`SEARCH ${key}`), key).toEqual(await client.ok(`SEARCH ${key} NOT SUBJECT "not there"`))
  }
  expect((await client.ok('SEARCH HEADER To "last"'))[0]?.split(' ')).toHaveLength(2 + 36)
})
