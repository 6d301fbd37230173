import { defer, reject, relayAttempt, routeChosen } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { deliveryWorld, words } from './delivery-world.ts'
import { startScriptedServer } from './scripted-server.ts'

describe('a delivery that works', () => {
  it('hands over the message byte for byte', async () => {
    await using server = await startScriptedServer()
    using world = deliveryWorld({ port: server.port })
    const body = Buffer.concat([
      Buffer.from('Return-Path: <x@y.test>\r\nSubject: dots\r\n\r\n.\r\n..\r\n.a\r\n\r\n...\r\n'),
      Buffer.from([0xc3, 0xa9, 0x00, 0xff, 0x0d, 0x0a]),
      Buffer.from(`${'z'.repeat(200_000)}\r\n.\r\n`),
    ])
    const offset = body.indexOf('Subject')
    expect(await world.send(['a@x.test'], { body, offset })).toEqual(['delivered 2.0.0'])
    expect(server.taken[0]?.data.equals(body.subarray(offset))).toBe(true)
    expect(server.taken[0]?.mail).toBe(`MAIL FROM:<alice@home.test> SIZE=${body.length - offset}`)
    expect(server.commands[0]).toBe('EHLO mail.home.test')
  })

  it('sends the null reverse-path', async () => {
    await using server = await startScriptedServer()
    using world = deliveryWorld({ port: server.port })
    await world.send(['a@x.test'], { sender: null })
    expect(server.taken[0]?.mail).toMatch(/^MAIL FROM:<> /)
  })

  it('tells of the server and its words', async () => {
    await using server = await startScriptedServer({ replies: { end: '250-2.0.0 queued\r\n250 2.0.0 as 4711' } })
    using world = deliveryWorld({ port: server.port })
    const results = await world.attempt(await world.claim(['a@x.test']))
    expect(results.get(0)?.attempt).toMatchObject({
      remote: `mx.test [127.0.0.1]:${server.port}`,
      status: '2.0.0',
      text: '250 2.0.0 queued 2.0.0 as 4711',
    })
  })

  it('tells of each recipient what was said about it', async () => {
    await using server = await startScriptedServer({
      rcpt: (address) => ({ 'b@x.test': '550 5.1.1 unknown', 'c@x.test': '450 4.2.0 later' })[address],
    })
    using world = deliveryWorld({ port: server.port })
    expect(await world.send(['a@x.test', 'b@x.test', 'c@x.test', 'd@x.test'])).toEqual([
      'delivered 2.0.0',
      'failed 5.1.1',
      'deferred 4.2.0',
      'delivered 2.0.0',
    ])
    expect(server.taken).toHaveLength(1)
  })

  it('works with a server that knows neither EHLO nor pipelining', async () => {
    await using server = await startScriptedServer({ replies: { ehlo: '502 5.5.1 what?' } })
    using world = deliveryWorld({ port: server.port })
    expect(await world.send(['a@x.test', 'b@x.test'])).toEqual(['delivered 2.0.0', 'delivered 2.0.0'])
    expect(server.commands).toContain('HELO mail.home.test')
    expect(server.taken[0]?.mail).toBe('MAIL FROM:<alice@home.test>')
  })

  it('sends to an address once that stands twice among the recipients', async () => {
    await using server = await startScriptedServer()
    using world = deliveryWorld({ port: server.port })
    expect(await world.send(['a@x.test', 'a@x.test'])).toEqual(['delivered 2.0.0', 'delivered 2.0.0'])
    expect(server.taken[0]?.rcpt).toHaveLength(1)
  })

  it('asks the rest again soon when a server takes only so many recipients', async () => {
    await using server = await startScriptedServer({
      rcpt: (_, count) => (count > 2 ? '452 4.5.3 too many' : undefined),
    })
    using world = deliveryWorld({ port: server.port })
    const results = await world.attempt(await world.claim(['a@x.test', 'b@x.test', 'c@x.test']))
    expect(words(results)).toEqual(['delivered 2.0.0', 'delivered 2.0.0', 'deferred 4.5.3'])
    expect(results.get(2)).toMatchObject({ retryAfterMs: 1000 })
  })
})

describe('a server that refuses', () => {
  it.each([
    [{ greeting: '554 5.7.1 go away' }, 'deferred 4.7.1'],
    [{ greeting: '421 4.3.2 busy' }, 'deferred 4.3.2'],
    [{ greeting: 'SSH-2.0-OpenSSH_9.2' }, 'deferred 4.3.2'],
    [{ ehlo: '421 4.3.2 busy' }, 'deferred 4.3.2'],
    [{ mail: '550 5.7.1 not you' }, 'failed 5.7.1'],
    [{ mail: '451 4.7.1 greylisted' }, 'deferred 4.7.1'],
    [{ mail: '421 4.7.0 too fast' }, 'deferred 4.7.0'],
    [{ data: '554 5.5.1 no' }, 'failed 5.5.1'],
    [{ data: '451 4.3.0 no' }, 'deferred 4.3.0'],
    [{ end: '550 5.7.1 spam' }, 'failed 5.7.1'],
    [{ end: '452 4.3.1 disk full' }, 'deferred 4.3.1'],
    [{ end: '552 5.3.4 too large' }, 'failed 5.3.4'],
    [{ end: '421 4.3.0 going down' }, 'deferred 4.3.0'],
  ])('says %j: %s', async (replies, outcome) => {
    for (const extensions of [['PIPELINING', '8BITMIME'], ['8BITMIME']]) {
      await using server = await startScriptedServer({ replies, extensions })
      using world = deliveryWorld({ port: server.port })
      expect(await world.send(['a@x.test', 'b@x.test'])).toEqual([outcome, outcome])
      expect(server.taken).toHaveLength(0)
    }
  })

  it('all recipients', async () => {
    for (const extensions of [['PIPELINING', '8BITMIME'], ['8BITMIME']]) {
      await using server = await startScriptedServer({ rcpt: () => '550 5.1.1 unknown', extensions })
      using world = deliveryWorld({ port: server.port })
      expect(await world.send(['a@x.test', 'b@x.test'])).toEqual(['failed 5.1.1', 'failed 5.1.1'])
      expect(server.commands.filter((line) => line === 'DATA')).toHaveLength(extensions.length - 1)
    }
  })

  it('with 421 in the middle of the recipients', async () => {
    await using server = await startScriptedServer({
      rcpt: (address) => (address === 'b@x.test' ? '421 4.7.0 bye' : undefined),
    })
    using world = deliveryWorld({ port: server.port })
    const results = await world.send(['a@x.test', 'b@x.test', 'c@x.test'])
    expect(results.every((outcome) => outcome.startsWith('deferred 4.'))).toBe(true)
    expect(results).toHaveLength(3)
  })
})

describe('a server that vanishes or falls silent', () => {
  const steps = ['greeting', 'ehlo', 'mail', 'rcpt', 'data', 'body', 'end'] as const

  it.each(steps)('drops the connection at %s: nothing is lost, nothing fails', async (dropAt) => {
    await using server = await startScriptedServer({ dropAt })
    using world = deliveryWorld({ port: server.port })
    expect(
      await world.send(['a@x.test', 'b@x.test'], { body: `Subject: x\r\n\r\n${'y'.repeat(500_000)}\r\n` }),
    ).toEqual(['deferred 4.4.2', 'deferred 4.4.2'])
  })

  it.each(steps)('stalls at %s: the timeout ends it', async (stallAt) => {
    await using server = await startScriptedServer({ stallAt })
    const short = { connect: 200, greeting: 200, command: 200, data: 200 }
    using world = deliveryWorld({ port: server.port, timeouts: short })
    const body = `Subject: x\r\n\r\n${'y'.repeat(5_000_000)}\r\n`
    expect(await world.send(['a@x.test'], { body })).toEqual(['deferred 4.4.2'])
  })

  it('keeps what it had said about single recipients', async () => {
    await using server = await startScriptedServer({
      dropAt: 'data',
      extensions: [],
      rcpt: (address) => (address === 'b@x.test' ? '550 5.1.1 unknown' : undefined),
    })
    using world = deliveryWorld({ port: server.port })
    expect(await world.send(['a@x.test', 'b@x.test'])).toEqual(['deferred 4.4.2', 'failed 5.1.1'])
  })

  it('ends an attempt that takes too long as a whole', async () => {
    await using server = await startScriptedServer({ stallAt: 'mail' })
    using world = deliveryWorld({ port: server.port, attemptMs: 300 })
    const results = await world.attempt(await world.claim(['a@x.test']))
    expect(words(results)).toEqual(['deferred 4.4.2'])
    expect(results.get(0)?.attempt.text).toContain('longer than 0.3 s')
  })

  it('leaves recipients without a result when the server goes down first', async () => {
    await using server = await startScriptedServer({ stallAt: 'mail' })
    using world = deliveryWorld({ port: server.port })
    const stop = new AbortController()
    const attempt = world.attempt(await world.claim(['a@x.test']), stop.signal)
    setTimeout(() => stop.abort(), 200)
    expect((await attempt).size).toBe(0)
  })

  it('defers when the message cannot be read, and does not send half of it', async () => {
    await using server = await startScriptedServer()
    using world = deliveryWorld({ port: server.port })
    const claim = await world.claim(['a@x.test'])
    await world.blobs.release(claim.message.blob)
    expect(words(await world.attempt(claim))).toEqual(['deferred 4.3.0'])
    expect(server.taken).toHaveLength(0)
  })
})

describe('several servers', () => {
  const zones = {
    'x.test': {
      mx: [
        [10, 'one.test'],
        [20, 'two.test'],
      ] as const,
    },
    'one.test': { a: ['127.0.0.2'] },
    'two.test': { a: ['127.0.0.1'] },
  }

  it('goes on to the next when one refuses connections, and passes over it for a while', async () => {
    await using server = await startScriptedServer()
    using world = deliveryWorld({ port: server.port, zones })
    const results = await world.attempt(await world.claim(['a@x.test']))
    expect(results.get(0)?.attempt.remote).toContain('two.test')
    const passedOver = world.dead.reach(`127.0.0.2 ${server.port}`, new AbortController().signal, async () => 'asked')
    await expect(passedOver).rejects.toThrow('ECONNREFUSED')
    expect(await world.send(['a@x.test'])).toEqual(['delivered 2.0.0'])
  })

  it('says why none could be reached', async () => {
    using world = deliveryWorld({ port: 1, zones })
    const first = await world.attempt(await world.claim(['a@x.test']))
    expect(words(first)).toEqual(['deferred 4.4.1'])
    const second = await world.attempt(await world.claim(['a@x.test']))
    expect(second.get(0)?.attempt.text).toContain('not tried again so soon')
    expect(first.get(0)).not.toHaveProperty('isUntried')
    expect(second.get(0)).toMatchObject({ kind: 'deferred', isUntried: true })
    const { retryAfterMs = 0 } = second.get(0) as { retryAfterMs?: number }
    expect(retryAfterMs).toBeGreaterThan(0)
    expect(retryAfterMs).toBeLessThanOrEqual(60_000)
  })

  it('counts an attempt when one is away and another defers', async () => {
    await using two = await startScriptedServer({ rcpt: () => '450 4.2.0 later' })
    using world = deliveryWorld({ port: two.port, zones })
    await world.send(['a@x.test'])
    const result = (await world.attempt(await world.claim(['a@x.test']))).get(0)
    expect(result).toMatchObject({ kind: 'deferred', attempt: { status: '4.2.0' } })
    expect(result).not.toHaveProperty('isUntried')
  })

  it('tries the next for recipients that one defers, and not for those it fails', async () => {
    await using two = await startScriptedServer()
    await using one = await startOn('127.0.0.2', two.port, {
      rcpt: (address) => ({ 'a@x.test': '450 4.2.0 later', 'b@x.test': '550 5.1.1 unknown' })[address],
    })
    using world = deliveryWorld({ port: two.port, zones })
    expect(await world.send(['a@x.test', 'b@x.test', 'c@x.test'])).toEqual([
      'delivered 2.0.0',
      'failed 5.1.1',
      'delivered 2.0.0',
    ])
    expect(one.taken[0]?.rcpt.map(addressOf)).toEqual(['c@x.test'])
    expect(two.taken[0]?.rcpt.map(addressOf)).toEqual(['a@x.test'])
  })

  it('does not try the next when the first may have taken the message', async () => {
    await using two = await startScriptedServer()
    await using _one = await startOn('127.0.0.2', two.port, { dropAt: 'end' })
    using world = deliveryWorld({ port: two.port, zones })
    expect(await world.send(['a@x.test'])).toEqual(['deferred 4.4.2'])
    expect(two.taken).toHaveLength(0)
  })

  it.each(['greeting', 'ehlo', 'mail', 'data'] as const)(
    'tries the next when the first drops at %s',
    async (dropAt) => {
      await using two = await startScriptedServer()
      await using _one = await startOn('127.0.0.2', two.port, { dropAt })
      using world = deliveryWorld({ port: two.port, zones })
      expect(await world.send(['a@x.test'])).toEqual(['delivered 2.0.0'])
    },
  )
})

describe('hooks', () => {
  it.each([
    [defer('4.7.0', 'not so fast'), 'deferred 4.7.0'],
    [reject('5.7.1', 'never'), 'failed 5.7.1'],
  ])('decide before anything is tried', async (verdict, outcome) => {
    await using server = await startScriptedServer()
    using world = deliveryWorld({ port: server.port, on: (add) => add(relayAttempt, () => verdict) })
    expect(await world.send(['a@x.test'])).toEqual([outcome])
    expect(server.connections).toBe(0)
  })

  it('that break defer', async () => {
    const boom = () => {
      throw new Error('boom')
    }
    using world = deliveryWorld({ on: (add) => add(relayAttempt, boom) })
    expect(await world.send(['a@x.test'])).toEqual(['deferred 4.3.0'])
    using other = deliveryWorld({ on: (add) => add(routeChosen, boom) })
    expect(await other.send(['a@x.test'])).toEqual(['deferred 4.3.0'])
  })

  it('choose the way of single recipients', async () => {
    await using mx = await startScriptedServer()
    await using gateway = await startScriptedServer()
    const route = `smtp://127.0.0.1:${gateway.port}`
    const on = (add: Parameters<NonNullable<Parameters<typeof deliveryWorld>[0]['on']>>[0]) =>
      add(routeChosen, ({ recipient }: { recipient: { local: string } }) =>
        recipient.local === 'b' ? { route } : undefined,
      )
    using world = deliveryWorld({ port: mx.port, on })
    expect(await world.send(['a@x.test', 'b@x.test', { to: 'c@x.test', route }])).toEqual(
      Array(3).fill('delivered 2.0.0'),
    )
    expect(mx.taken[0]?.rcpt.map(addressOf)).toEqual(['a@x.test'])
    expect(gateway.taken[0]?.rcpt.map(addressOf)).toEqual(['b@x.test', 'c@x.test'])
  })

  it('that choose nonsense defer', async () => {
    using world = deliveryWorld({})
    expect(await world.send([{ to: 'a@x.test', route: 'gopher://x' }])).toEqual(['deferred 4.3.5'])
  })

  it('never show credentials that stand in a route', async () => {
    using world = deliveryWorld({})
    const results = await world.attempt(await world.claim([{ to: 'a@x.test', route: 'smtp://us:hidden@gw.test' }]))
    expect(words(results)).toEqual(['deferred 4.3.5'])
    expect(JSON.stringify([...results])).not.toContain('hidden')
  })
})

const addressOf = (rcpt: string) => /<(.*?)>/.exec(rcpt)?.[1]

async function startOn(host: string, port: number, script: Parameters<typeof startScriptedServer>[0]) {
  return startScriptedServer(script, host, port)
}
