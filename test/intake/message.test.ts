import {
  accept,
  indexMessage,
  intake,
  journeys,
  MailError,
  type MessageIndex,
  messageReceived,
  messageStamped,
  queue,
} from 'mailserver'
import { describe, expect, it } from 'vitest'
import { newMessageId } from '../../src/intake/message-id.ts'
import { indexFields } from '../support/index-fields.ts'
import { address, brief, PLAIN, startIntake, transfer } from './support/world.ts'

function expectIndexOf(stored: { index: MessageIndex; bytes: Buffer } | undefined): void {
  if (stored === undefined) throw new Error('nothing is stored')
  expect(indexFields(stored.index)).toEqual(indexFields(indexMessage(stored.bytes)))
}

const MIME = (bytes: number) =>
  `From: a@b.test\r\nSubject: mime\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\n${'x'.repeat(bytes)}\r\n--q\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody\r\n--q--\r\n`

describe('what is stored', () => {
  for (const bytes of [10, 1_000_000]) {
    it(`has the fields of checks between Return-Path and Received, and an index that is right (${bytes})`, async () => {
      await using world = await startIntake({
        hooks: (hooks) => {
          hooks.on(messageReceived, () => accept({ headers: [['X-Check', 'fine\nX-Evil: injected']] }))
          hooks.on(messageStamped, (fields) => [['X-First', 'one'], ...fields])
        },
      })
      await transfer(world.open(), { message: MIME(bytes) })
      const [stored] = await world.messages('alice@example.test')
      expect(stored?.text).toMatch(
        /^Return-Path: <a@b\.test>\r\nX-First: one\r\nX-Check: fine\r\n\tX-Evil: injected\r\nReceived: [\s\S]*\r\nFrom: a@b/,
      )
      expectIndexOf(stored)
      expect(world.blobs.count).toBe(1)
    })

    it(`has the right index without them (${bytes})`, async () => {
      await using world = await startIntake()
      await transfer(world.open(), { message: MIME(bytes) })
      const [stored] = await world.messages('alice@example.test')
      expectIndexOf(stored)
      expect(stored?.text.endsWith(MIME(bytes))).toBe(true)
      expect(world.blobs.count).toBe(1)
    })
  }

  it.each([
    [' folded\r\nSubject: x\r\n\r\nbody\r\n', 'mx'],
    ['\tfolded\r\nTo: x@y.test\r\n\r\nbody\r\n', 'submission'],
    ['  \r\n\r\nbody\r\n', 'mx'],
  ] as const)('keeps a first line that begins with a blank apart from our fields: %j', async (message, role) => {
    await using world = await startIntake()
    const session = world.open(role)
    if (role === 'submission') {
      await world.logIn(session, 'alice@example.test')
    }
    const from = role === 'submission' ? 'alice@example.test' : 'a@b.test'
    expect(brief((await transfer(session, { from, message })).answer)).toBe('ok')
    const [stored] = await world.messages('alice@example.test')
    const [header = '', body = ''] = [stored?.text.slice(0, -message.length), stored?.text.slice(-message.length)]
    expect(body).toBe(message)
    expect(header).toMatch(/^Return-Path: [^\r]*\r\nReceived: [\s\S]*\r\n\r\n$/)
    expect(stored?.index.subject).toBeUndefined()
    expectIndexOf(stored)
  })

  it('is indexed anew when a check puts a field above that ENVELOPE shows', async () => {
    await using world = await startIntake({
      hooks: (hooks) => hooks.on(messageStamped, (fields) => [['Subject', '[checked]'], ...fields]),
    })
    await transfer(world.open(), { message: MIME(10) })
    const [stored] = await world.messages('alice@example.test')
    expectIndexOf(stored)
    expect(stored?.index.subject).toBe('[checked]')
  })

  it.each(['', '\r\n', '\r\nbody', 'no header at all', 'Subject: only', 'Subject: x\r\n', 'Subject: x\r\n\r\n'])(
    'is the message as it came, also %j, an octet at a time',
    async (message) => {
      await using world = await startIntake()
      const octets = [...Buffer.from(message)].map((octet) => Buffer.from([octet]))
      expect(brief((await transfer(world.open(), { message: octets })).answer)).toBe('ok')
      const [stored] = await world.messages('alice@example.test')
      expect(stored?.text.endsWith(`+0000\r\n${message}`)).toBe(true)
      expectIndexOf(stored)
    },
  )

  it('keeps a Return-Path that came with it, below ours', async () => {
    await using world = await startIntake()
    await transfer(world.open(), { message: 'Return-Path: <old@x.test>\r\nSubject: x\r\n\r\nx' })
    const [stored] = await world.messages('alice@example.test')
    expect(stored?.text).toMatch(/^Return-Path: <a@b\.test>\r\nReceived: [\s\S]*\r\nReturn-Path: <old@x\.test>\r\n/)
  })
})

it('ends a message that goes round in a circle (RFC 5321 section 6.3)', async () => {
  await using world = await startIntake()
  const hops = (count: number) => `${'Received: by x; Thu, 1 Jan 1970 00:00:00 +0000\r\n'.repeat(count)}\r\nx`
  expect(brief((await transfer(world.open(), { message: hops(100) })).answer)).toBe('ok')
  expect(brief((await transfer(world.open(), { message: hops(101) })).answer)).toBe('554 5.4.6')
})

describe('a store that fails', () => {
  it.each([
    ['STORE_FULL', '452 4.3.1'],
    ['UNAVAILABLE', '451 4.3.0'],
  ] as const)('%s while the message is written: %s, and nothing is left', async (code, expected) => {
    let isBroken = false
    await using world = await startIntake({
      wrap: ({ blobs }) => ({
        blobs: {
          ...blobs,
          write: (bytes) => (isBroken ? Promise.reject(new MailError(code, 'disk')) : blobs.write(bytes)),
          writer: async () => ({
            ...(await blobs.writer()),
            write: () => Promise.reject(new MailError(code, 'disk')),
          }),
        },
      }),
    })
    isBroken = true
    for (const bytes of [10, 1_000_000]) {
      expect(brief((await transfer(world.open(), { message: MIME(bytes) })).answer)).toBe(expected)
    }
    expect(world.blobs.count).toBe(0)
  })

  it('in the commit: "later", no message, and the blob stays, for nobody knows what was written', async () => {
    let isBroken = false
    await using world = await startIntake({
      wrap: ({ engine }) => ({
        engine: {
          ...engine,
          transact: (scopes, fn) =>
            isBroken
              ? Promise.reject(new MailError('STORE_FULL', 'no space left on device'))
              : engine.transact(scopes, fn),
        },
      }),
    })
    isBroken = true
    expect(brief((await transfer(world.open())).answer)).toBe('452 4.3.1')
    expect(await world.messages('alice@example.test')).toHaveLength(0)
    expect(world.blobs.count).toBe(1)
  })

  it('while the source fails too: nothing is left', async () => {
    await using world = await startIntake()
    const session = world.open()
    await session.mailFrom(address('a@b.test'), PLAIN)
    await session.rcptTo({ address: address('alice@example.test') })
    const source = (async function* () {
      yield Buffer.from('Subject: x\r\n\r\n')
      yield Buffer.alloc(1_000_000, 'x')
      throw new Error('reset')
    })()
    expect(brief((await session.receive(source, () => false)).answer)).toBe('451 4.4.2')
    expect(world.blobs.count).toBe(0)
    expect(brief((await transfer(session)).answer)).toBe('ok')
  })
})

describe('inject', () => {
  const message = Buffer.from('From: <postmaster@mail.example.test>\r\nSubject: report\r\n\r\nx\r\n')

  it('delivers a message of our own to ours and to others, in one commit', async () => {
    await using world = await startIntake()
    const recipients = ['alice@example.test', 'x@y.test'].map((text) => ({ address: address(text) }))
    const receipt = await world.service(intake).inject({ sender: undefined, recipients, ...PLAIN }, message)
    expect(brief(receipt.answer)).toBe('ok')
    const [stored] = await world.messages('alice@example.test')
    expect(stored?.text).toMatch(/^Return-Path: <>\r\nReceived: by mail\.example\.test id /)
    expect(stored?.text.endsWith(message.toString())).toBe(true)
    const { entries } = await world.service(queue).list({})
    expect(entries[0]?.message.isReport).toBe(true)
    expect((await world.journey(receipt.id)).subject.recipients).toEqual(['alice@example.test', 'x@y.test'])
  })

  it('gives every line its CRLF, whatever it was made with', async () => {
    await using world = await startIntake()
    const recipients = [{ address: address('alice@example.test') }]
    await world
      .service(intake)
      .inject({ sender: undefined, recipients, ...PLAIN }, Buffer.from('Subject: x\n\na\rb\r\n'))
    const [stored] = await world.messages('alice@example.test')
    expect(stored?.text.endsWith('Subject: x\r\n\r\na\r\nb\r\n')).toBe(true)
    expectIndexOf(stored)
  })

  it('answers that nobody of its recipients exists, and keeps nothing', async () => {
    await using world = await startIntake()
    const recipients = [{ address: address('nobody@example.test') }]
    const receipt = await world.service(intake).inject({ sender: undefined, recipients, ...PLAIN }, message)
    expect(brief(receipt.answer)).toBe('550 5.1.1')
    expect(world.blobs.count).toBe(0)
  })
})

describe('the journey', () => {
  it('goes from the connection to the mailbox and the queue', async () => {
    await using world = await startIntake({ aliases: { 'both@example.test': ['alice@example.test', 'x@y.test'] } })
    const session = world.open()
    await session.opened()
    await session.helo('client.test')
    const { id } = await transfer(session, { to: ['both@example.test'], message: 'Message-ID: <i@x>\r\n\r\nx' })
    const { subject, events } = await world.journey('<i@x>')
    expect(subject).toMatchObject({ id, sender: 'a@b.test', recipients: ['both@example.test'] })
    expect(events.map(({ step }) => step)).toEqual([
      'connection',
      'helo',
      'mail-from',
      'rcpt-to',
      'received',
      'stored',
      'queued',
    ])
  })

  it('tells of a refused recipient once the transaction is over', async () => {
    await using world = await startIntake()
    const session = world.open()
    await transfer(session, { to: ['nobody@example.test'] })
    expect(await world.service(journeys).find('nobody@example.test')).toEqual([])
    session.closed()
    expect((await world.journey('nobody@example.test')).events.at(-1)?.text).toBe(
      'nobody@example.test: 550 5.1.1 No such user here',
    )
  })
})

describe('newMessageId', () => {
  it('sorts by time, and never repeats', () => {
    const ids = Array.from({ length: 1000 }, (_, at) => newMessageId(1_763_776_800_000 + at))
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(Array.from({ length: 10_000 }, () => newMessageId(0))).size).toBe(10_000)
    expect(newMessageId(Date.now())).toMatch(/^[0-9a-hjkmnp-tv-z]{17}$/)
  })
})
