import {
  accept,
  connectionOpened,
  defer,
  discard,
  helo,
  mailFrom,
  messageReceived,
  messageStamped,
  quarantine,
  queue,
  rcptTo,
  redirect,
  reject,
  routeChosen,
  type Verdict,
} from 'mailserver'
import { describe, expect, it } from 'vitest'
import { brief, startIntake, transfer } from './support/world.ts'

const REJECTED = reject('5.7.1', 'Not you')
const DEFERRED = defer('4.7.1', 'Later')

describe('a verdict', () => {
  it.each([
    ['connection', connectionOpened],
    ['HELO', helo],
    ['MAIL', mailFrom],
    ['RCPT', rcptTo],
    ['the message', messageReceived],
  ] as const)('refuses at %s', async (_name, hook) => {
    for (const [verdict, expected] of [
      [REJECTED, '550 5.7.1'],
      [DEFERRED, '451 4.7.1'],
    ] as const) {
      await using world = await startIntake({ hooks: (hooks) => hooks.on(hook as typeof mailFrom, () => verdict) })
      const session = world.open()
      let answer = await session.opened()
      if (answer.ok) answer = await session.helo('c')
      if (answer.ok) answer = (await transfer(session)).answer
      expect(brief(answer)).toBe(expected)
      expect(world.blobs.count).toBe(0)
    }
  })

  it.each([
    ['connection', connectionOpened],
    ['HELO', helo],
    ['MAIL', mailFrom],
    ['RCPT', rcptTo],
    ['the message', messageReceived],
  ] as const)('of %s quarantines, discards and redirects', async (_name, hook) => {
    let verdict: Verdict = accept()
    await using world = await startIntake({
      accounts: { 'alice@example.test': 'x', 'bob@example.test': 'x', 'carol@example.test': 'x' },
      hooks: (hooks) => hooks.on(hook as typeof mailFrom, () => verdict),
    })
    const send = async (next: Verdict) => {
      verdict = next
      const session = world.open()
      await session.opened()
      await session.helo('c')
      const receipt = await transfer(session)
      expect(brief(receipt.answer)).toBe('ok')
      return receipt.id
    }
    await send(quarantine('odd', [['X-Odd', 'yes']]))
    expect(await world.messages('alice@example.test')).toHaveLength(0)
    const [junk] = await world.messages('alice@example.test', 'Junk')
    expect(junk?.text).toContain('\r\nX-Odd: yes\r\n')

    const before = world.blobs.count
    const id = await send(discard('a worm'))
    expect(world.blobs.count).toBe(before)
    expect((await world.journey(id)).events.map(({ text }) => text).join('\n')).toContain('a worm')

    await send(redirect(['bob@example.test', 'carol@example.test', 'x@elsewhere.test'], 'rule'))
    expect(await world.messages('alice@example.test')).toHaveLength(0)
    expect(await world.messages('bob@example.test')).toHaveLength(1)
    expect(await world.messages('carol@example.test')).toHaveLength(1)
    expect(await world.service(queue).count({ recipient: 'x@elsewhere.test' })).toBe(1)
  })

  it('of one recipient leaves the others alone', async () => {
    await using world = await startIntake({
      hooks: (hooks) =>
        hooks.on(rcptTo, ({ recipient }) =>
          recipient.address.local === 'alice' ? discard('not for her') : quarantine('odd'),
        ),
    })
    await transfer(world.open(), { to: ['alice@example.test', 'bob@example.test'] })
    expect(await world.messages('alice@example.test')).toHaveLength(0)
    expect(await world.messages('bob@example.test', 'Junk')).toHaveLength(1)
  })

  it('that redirects to nobody defers, for that is the operator’s mistake', async () => {
    await using world = await startIntake({
      hooks: (hooks) => hooks.on(messageReceived, () => redirect(['nobody@example.test'], 'rule')),
    })
    expect(brief((await transfer(world.open())).answer)).toBe('451 4.3.5')
    expect(world.blobs.count).toBe(0)
  })
})

describe('a handler that fails', () => {
  it.each([
    ['throws', () => Promise.reject(new Error('the scanner is on fire'))],
    ['hangs', () => new Promise<undefined>(() => {})],
  ])('and %s defers, and is named in the journey', async (_how, handler) => {
    for (const hook of [mailFrom, rcptTo, messageReceived]) {
      await using world = await startIntake({
        hooks: (hooks) => hooks.on(hook as typeof mailFrom, { timeoutMs: 50 }, handler as never),
      })
      const session = world.open()
      const { answer } = await transfer(session)
      expect(brief(answer)).toBe('451 4.3.0')
      session.closed()
      const { events } = await world.journey('a@b.test')
      expect(events).toContainEqual(expect.objectContaining({ step: 'hook', plugin: 'checker' }))
      expect(events.find(({ plugin }) => plugin === 'checker')?.text).toMatch(/failed \((?:the scanner|no answer)/)
      expect(await world.messages('alice@example.test')).toHaveLength(0)
      expect(world.blobs.count).toBe(0)
    }
  })

  it('while it stamps defers', async () => {
    await using world = await startIntake({
      hooks: (hooks) => hooks.on(messageStamped, () => Promise.reject(new Error('no key'))),
    })
    expect(brief((await transfer(world.open())).answer)).toBe('451 4.3.0')
    expect(world.blobs.count).toBe(0)
  })

  it('gives its name once it throws at the connection', async () => {
    await using world = await startIntake({
      hooks: (hooks) => hooks.on(connectionOpened, () => Promise.reject(new Error('no list'))),
    })
    expect(brief(await world.open().opened())).toBe('451 4.3.0')
  })

  it('is passed over when the operator says so', async () => {
    await using world = await startIntake({
      onError: { checker: 'continue' },
      hooks: (hooks) => hooks.on(messageReceived, () => Promise.reject(new Error('on fire'))),
    })
    expect(brief((await transfer(world.open())).answer)).toBe('ok')
    const { events } = await world.journey('a@b.test')
    expect(events.find(({ plugin }) => plugin === 'checker')?.text).toContain('on fire')
  })
})

describe('a check of the message', () => {
  it('sees it whole, without our trace fields, small and large, as often as it likes', async () => {
    const seen: [string, number, string, string][] = []
    await using world = await startIntake({
      hooks: (hooks) =>
        hooks.on(messageReceived, async (message) => {
          for (let time = 0; time < 2; time++) {
            const chunks: Buffer[] = []
            for await (const chunk of message.open()) chunks.push(chunk as Buffer)
            const { index, header, size } = message
            const { bodyStart } = index.root
            seen.push([Buffer.concat(chunks).toString(), size, header.toString(), String(bodyStart)])
          }
          return undefined
        }),
    })
    for (const bytes of [10, 500_000]) {
      const message = `Subject: x\r\nTo: y\r\n\r\n${'z'.repeat(bytes)}\r\n`
      await transfer(world.open(), { message })
      const expected = [message, message.length, 'Subject: x\r\nTo: y\r\n', '21']
      expect(seen.splice(0)).toEqual([expected, expected])
    }
  })
})

it('asks for the route of each outside recipient, and keeps it with the queue entry', async () => {
  await using world = await startIntake({
    aliases: { 'list@example.test': ['x@one.test', 'y@two.test'] },
    hooks: (hooks) =>
      hooks.on(routeChosen, ({ recipient }) =>
        recipient.domain === 'one.test' ? { route: 'smtp://gw.test:25' } : undefined,
      ),
  })
  await transfer(world.open(), { to: ['list@example.test'] })
  const { entries } = await world.service(queue).list({})
  expect(entries.map(({ recipient }) => recipient.route)).toEqual(['smtp://gw.test:25', undefined])
  expect(entries[0]?.recipient.recipient.originalRecipient).toBe('rfc822;list@example.test')
})
