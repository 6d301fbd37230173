import { type Directory, directory, MailError, queue } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { address, brief, PLAIN, startIntake, transfer } from './support/world.ts'

describe('RCPT', () => {
  it.each([
    ['mx', 'alice@example.test', 'ok'],
    ['mx', 'ALICE+tag@Example.TEST', 'ok'],
    ['mx', 'nobody@example.test', '550 5.1.1'],
    ['mx', 'x@elsewhere.test', '554 5.7.1'],
    ['lmtp', 'x@elsewhere.test', '554 5.7.1'],
    ['lmtp', 'nobody@example.test', '550 5.1.1'],
    ['mx', 'list@example.test', 'ok'],
  ] as const)('on %s for %s: %s', async (role, to, expected) => {
    await using world = await startIntake({ aliases: { 'list@example.test': ['x@elsewhere.test'] } })
    expect(brief((await transfer(world.open(role), { to: [to] })).answer)).toBe(expected)
  })

  it('is never "no such user" while the directory cannot tell', async () => {
    await using world = await startIntake()
    const people = world.service(directory)
    const broken = (name: keyof Directory) => {
      Object.assign(people, { [name]: () => Promise.reject(new MailError('UNAVAILABLE', 'LDAP is down')) })
    }
    broken('resolve')
    expect(brief((await transfer(world.open(), { to: ['nobody@example.test'] })).answer)).toBe('451 4.3.0')
  })

  it('reaches the postmaster of this host (RFC 5321 section 4.5.1)', async () => {
    await using world = await startIntake({ aliases: { 'postmaster@example.test': ['alice@example.test'] } })
    expect(brief((await transfer(world.open(), { to: ['Postmaster@mail.example.test'] })).answer)).toBe('ok')
    expect(await world.messages('alice@example.test')).toHaveLength(1)
  })

  it('takes one recipient from outside for the null reverse-path, and any number from our users', async () => {
    await using world = await startIntake()
    const to = ['alice@example.test', 'bob@example.test']
    expect(brief((await transfer(world.open(), { from: '', to })).answer)).toBe('452 4.5.3')
    expect(brief((await transfer(world.open('lmtp'), { from: '', to })).answer)).toBe('ok')
  })

  it('takes as many as the server takes, and asks for the others later (RFC 5321 section 4.5.3.1.10)', async () => {
    const accounts = Object.fromEntries(Array.from({ length: 3 }, (_, at) => [`u${at}@example.test`, 'x']))
    await using world = await startIntake({ accounts })
    const session = world.open()
    await session.mailFrom(undefined, PLAIN)
    session.reset()
    await session.mailFrom(address('a@b.test'), PLAIN)
    for (let at = 0; at < 1000; at++) {
      expect(brief(await session.rcptTo({ address: address(`u${at % 3}+${at}@example.test`) }))).toBe('ok')
    }
    expect(brief(await session.rcptTo({ address: address('u0@example.test') }))).toBe('452 4.5.3')
  })
})

describe('recipients elsewhere', () => {
  it.each([
    ['Subject: x\r\n\r\nplain\r\n', false, false],
    ['Subject: x\r\n\r\ncaf\u00e9\r\n', false, true],
    ['Subject: caf\u00e9\r\n\r\nplain\r\n', false, true],
    ['Subject: caf\u00e9\r\n\r\nplain\r\n', true, false],
  ])('get %j, SMTPUTF8 %j, announced as what it is (RFC 6152 section 3)', async (message, smtpUtf8, eightBit) => {
    await using world = await startIntake()
    const session = world.open('submission')
    await world.logIn(session, 'alice@example.test')
    const parameters = { ...PLAIN, smtpUtf8, eightBit: false }
    await transfer(session, { from: 'alice@example.test', to: ['bob@far.test'], message, parameters })
    const { entries } = await world.service(queue).list({})
    expect(entries.map((entry) => entry.message.envelope.eightBit)).toEqual([eightBit])
  })

  it('get one copy each, whose names differ by case too (RFC 5321 section 2.4)', async () => {
    await using world = await startIntake()
    const session = world.open('submission')
    await world.logIn(session, 'alice@example.test')
    const to = ['Bob@far.test', 'bob@far.test', 'bob@FAR.test', 'Bob@far.test']
    const { answer } = await transfer(session, { from: 'alice@example.test', to })
    expect(brief(answer)).toBe('ok')
    const { entries } = await world.service(queue).list({})
    expect(entries.map(({ recipient }) => recipient.recipient.address.local)).toEqual(['Bob', 'bob'])
  })
})

describe('a full mailbox', () => {
  const small = { 'bob@example.test': 2_000 }
  const big = `Subject: big\r\n\r\n${'y'.repeat(3_000)}\r\n`
  const medium = `Subject: medium\r\nMessage-ID: <m@b.test>\r\n\r\n${'y'.repeat(1_200)}\r\n`

  it('is said before DATA: for now when it is full, for good when it can never fit', async () => {
    await using world = await startIntake({ quotaBytes: small })
    const bob = { to: ['bob@example.test'] }
    expect(brief((await transfer(world.open(), { ...bob, parameters: { announcedSize: 2_001 } })).answer)).toBe(
      '552 5.2.3',
    )
    expect(brief((await transfer(world.open(), { ...bob, message: medium })).answer)).toBe('ok')
    const second = await transfer(world.open(), { ...bob, parameters: { announcedSize: 1_000 } })
    expect([brief(second.answer), second.at]).toEqual(['452 4.2.2', 'rcpt'])
  })

  it('refuses the whole when nobody else gets it, and leaves no blob', async () => {
    await using world = await startIntake({ quotaBytes: small })
    const { answer, at } = await transfer(world.open(), { to: ['bob@example.test'], message: big })
    expect([brief(answer), at]).toEqual(['452 4.2.2', 'data'])
    expect(world.blobs.count).toBe(0)
    expect((await world.journey('bob@example.test')).events.at(-1)?.text).toContain('452 4.2.2')
  })

  it('is reported to the sender when others get the message: nothing is lost in silence', async () => {
    await using world = await startIntake({
      accounts: { 'alice@example.test': 'x', 'bob@example.test': 'x', 'carol@example.test': 'x' },
      quotaBytes: small,
    })
    const to = ['alice@example.test', 'bob@example.test']
    const { answer, id } = await transfer(world.open(), { from: 'carol@example.test', to, message: big })
    expect(brief(answer)).toBe('ok')
    expect(await world.messages('alice@example.test')).toHaveLength(1)
    expect(await world.messages('bob@example.test')).toHaveLength(0)
    const [report] = await world.messages('carol@example.test')
    expect(report?.text).toMatch(/^Return-Path: <>\r\n/)
    expect(report?.text).toContain('Final-Recipient: rfc822; bob@example.test\r\nAction: failed\r\nStatus: 5.2.2')
    const { events } = await world.journey(id)
    expect(events.map(({ step }) => step)).toEqual(expect.arrayContaining(['failed', 'report', 'stored']))
  })

  it('is reported to a sender elsewhere by the queue', async () => {
    await using world = await startIntake({ quotaBytes: small })
    await transfer(world.open(), { to: ['alice@example.test', 'bob@example.test'], message: big })
    const { entries } = await world.service(queue).list({ recipient: 'a@b.test' })
    expect(entries).toHaveLength(1)
    expect(entries[0]?.message).toMatchObject({ isReport: true, envelope: { smtpUtf8: false } })
  })

  it('is reported to nobody when the sender is null or wants to hear nothing', async () => {
    await using world = await startIntake({ quotaBytes: small })
    await transfer(world.open('lmtp'), {
      from: '',
      to: ['list@example.test'].slice(1).concat('alice@example.test', 'bob@example.test'),
      message: big,
    })
    await transfer(world.open(), {
      to: ['alice@example.test', { address: address('bob@example.test'), notify: ['never'] }],
      message: big,
    })
    expect(await world.messages('alice@example.test')).toHaveLength(2)
    expect(await world.service(queue).count({})).toBe(0)
  })

  it('that filled up between the plan and the commit is found in the commit', async () => {
    await using world = await startIntake({ quotaBytes: small })
    const to = ['alice@example.test', 'bob@example.test']
    const all = await Promise.all(Array.from({ length: 4 }, () => transfer(world.open(), { to, message: medium })))
    expect(all.map(({ answer }) => brief(answer))).toEqual(['ok', 'ok', 'ok', 'ok'])
    expect(await world.messages('alice@example.test')).toHaveLength(4)
    expect(await world.messages('bob@example.test')).toHaveLength(1)
    expect(await world.service(queue).count({ recipient: 'a@b.test' })).toBe(3)
  })
})

describe('delivery', () => {
  it('is reported when the sender asked for it (RFC 3461 section 4.1)', async () => {
    await using world = await startIntake()
    await transfer(world.open(), {
      from: 'bob@example.test',
      to: [{ address: address('alice@example.test'), notify: ['success'], originalRecipient: 'rfc822;al@x.test' }],
      parameters: { envelopeId: 'QQ3' },
    })
    const [report] = await world.messages('bob@example.test')
    expect(report?.text).toContain('Original-Envelope-Id: QQ3')
    expect(report?.text).toContain('Original-Recipient: rfc822; al@x.test')
    expect(report?.text).toContain('Action: delivered')
  })

  it('makes one copy for each account and outside address, whatever names lead there', async () => {
    await using world = await startIntake({
      aliases: {
        'one@example.test': ['alice@example.test', 'x@y.test'],
        'two@example.test': ['one@example.test', 'X@y.test'],
      },
    })
    await transfer(world.open(), { to: ['one@example.test', 'two@example.test', 'alice+t@example.test'] })
    expect(await world.messages('alice@example.test')).toHaveLength(1)
    expect(await world.service(queue).count({})).toBe(1)
  })
})

describe('submission', () => {
  it('has no sender before somebody logs in', async () => {
    await using world = await startIntake()
    expect(brief(await world.open('submission').mailFrom(address('alice@example.test'), PLAIN))).toBe('530 5.7.0')
  })

  it('forgets who logged in when TLS begins', async () => {
    await using world = await startIntake()
    const session = world.open('submission')
    await world.logIn(session, 'alice@example.test')
    session.secured({ version: 'TLSv1.3', cipher: 'x' })
    expect(brief(await session.mailFrom(address('alice@example.test'), PLAIN))).toBe('530 5.7.0')
  })

  it('keeps its Bcc recipients out of the Received field', async () => {
    await using world = await startIntake()
    await transfer(world.open(), { to: ['alice@example.test', 'bob@example.test'] })
    const [copy] = await world.messages('alice@example.test')
    expect(copy?.text).not.toContain('bob@')
    expect(copy?.text).not.toContain('for <')
  })
})
