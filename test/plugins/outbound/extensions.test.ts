import { describe, expect, it } from 'vitest'
import { deliveryWorld } from './delivery-world.ts'
import { startScriptedServer } from './scripted-server.ts'

const EIGHT_BIT = Buffer.from('Subject: x\r\n\r\ncaf\u00e9\r\n')

describe('SIZE (RFC 1870)', () => {
  it('sends nothing that the server says is too large', async () => {
    await using server = await startScriptedServer({ extensions: ['SIZE 100'] })
    using world = deliveryWorld({ port: server.port })
    expect(await world.send(['a@x.test'], { body: `Subject: x\r\n\r\n${'y'.repeat(200)}\r\n` })).toEqual([
      'failed 5.3.4',
    ])
    expect(server.commands.some((line) => line.startsWith('MAIL'))).toBe(false)
  })

  it('believes a server that refuses what it said it takes', async () => {
    await using server = await startScriptedServer({
      extensions: ['SIZE 1000000'],
      replies: { mail: '552 5.3.4 too large' },
    })
    using world = deliveryWorld({ port: server.port })
    expect(await world.send(['a@x.test'])).toEqual(['failed 5.3.4'])
  })

  it.each(['SIZE', 'SIZE 0'])('takes %s as no limit', async (keyword) => {
    await using server = await startScriptedServer({ extensions: [keyword] })
    using world = deliveryWorld({ port: server.port })
    expect(await world.send(['a@x.test'])).toEqual(['delivered 2.0.0'])
  })
})

describe('8BITMIME (RFC 6152)', () => {
  it('is said when the message was announced so', async () => {
    await using server = await startScriptedServer()
    using world = deliveryWorld({ port: server.port })
    await world.send(['a@x.test'], { body: EIGHT_BIT, envelope: { eightBit: true } })
    expect(server.taken[0]?.mail).toContain(' BODY=8BITMIME')
    expect(server.taken[0]?.data.equals(EIGHT_BIT)).toBe(true)
  })

  it('keeps 8-bit content from a server without it, whatever was announced', async () => {
    await using server = await startScriptedServer({ extensions: [] })
    using world = deliveryWorld({ port: server.port })
    expect(await world.send(['a@x.test'], { body: EIGHT_BIT })).toEqual(['failed 5.6.3'])
    expect(await world.send(['a@x.test'], { envelope: { eightBit: true } })).toEqual(['delivered 2.0.0'])
    expect(server.taken[0]?.mail).not.toContain('BODY')
  })
})

describe('SMTPUTF8 (RFC 6531)', () => {
  it('is asked for by an address, or by a header', async () => {
    await using server = await startScriptedServer()
    using world = deliveryWorld({ port: server.port })
    await world.send(['h\u00e9l\u00e8ne@x.test'], { envelope: { smtpUtf8: true } })
    await world.send(['a@x.test'], { envelope: { smtpUtf8: true } })
    await world.send(['a@x.test'])
    expect(server.taken.map(({ mail }) => mail.split(' ').filter((word) => word === 'SMTPUTF8').length)).toEqual([
      1, 1, 0,
    ])
    expect(server.taken[0]?.rcpt).toEqual(['RCPT TO:<h\u00e9l\u00e8ne@x.test>'])
  })

  it('fails what needs it where it is not offered, and nothing else', async () => {
    await using server = await startScriptedServer({ extensions: ['8BITMIME'] })
    using world = deliveryWorld({ port: server.port })
    const envelope = { smtpUtf8: true }
    expect(await world.send(['h\u00e9l\u00e8ne@x.test'], { envelope })).toEqual(['failed 5.6.7'])
    expect(await world.send(['a@x.test'], { envelope, body: 'Subject: caf\u00e9\r\n\r\n' })).toEqual(['failed 5.6.7'])
    expect(await world.send(['a@x.test'], { envelope, body: 'Subject: x\r\n\r\ncaf\u00e9\r\n' })).toEqual([
      'delivered 2.0.0',
    ])
  })
})

describe('DSN (RFC 3461)', () => {
  const to = [
    { to: 'a@x.test', notify: ['success', 'failure'] as const, originalRecipient: 'rfc822;a+b=c@old.test' },
    { to: 'b@x.test', notify: ['never'] as const },
    'c@x.test',
  ]
  const envelope = { returnContent: 'headers' as const, envelopeId: 'id 1+2' }

  it('is passed on, to each recipient its own', async () => {
    for (const more of [['PIPELINING'], []]) {
      await using server = await startScriptedServer({ extensions: ['DSN', ...more] })
      using world = deliveryWorld({ port: server.port })
      const results = await world.attempt(await world.claim(to, { envelope }))
      expect(server.taken[0]?.mail).toBe('MAIL FROM:<alice@home.test> RET=HDRS ENVID=id+201+2B2')
      expect(server.taken[0]?.rcpt).toEqual([
        'RCPT TO:<a@x.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+2Bb+3Dc@old.test',
        'RCPT TO:<b@x.test> NOTIFY=NEVER',
        'RCPT TO:<c@x.test>',
      ])
      expect(results.get(0)).toMatchObject({ kind: 'delivered', isDsnPassedOn: true })
    }
  })

  it('stays here where it is not offered', async () => {
    await using server = await startScriptedServer({ extensions: [] })
    using world = deliveryWorld({ port: server.port })
    const results = await world.attempt(await world.claim(to, { envelope }))
    expect(server.taken[0]?.mail).toBe('MAIL FROM:<alice@home.test>')
    expect(server.taken[0]?.rcpt[0]).toBe('RCPT TO:<a@x.test>')
    expect(results.get(0)).toMatchObject({ kind: 'delivered', isDsnPassedOn: false })
  })
})

describe('STARTTLS', () => {
  it('is used where it is offered, whatever the certificate (RFC 7435)', async () => {
    await using server = await startScriptedServer({ tls: 'works', certificateNames: ['elsewhere.test'] })
    using world = deliveryWorld({ port: server.port })
    const results = await world.attempt(await world.claim(['a@x.test']))
    expect(server.taken[0]?.isTls).toBe(true)
    expect(results.get(0)?.attempt.tls).toMatch(/^TLSv1\.3 TLS_/)
  })

  it.each([
    [{ tls: 'broken' }],
    [{ tls: 'works', replies: { starttls: '454 4.7.0 not now' } }],
    [{ tls: 'works', dropAt: 'starttls' }],
    [{ tls: 'works', stallAt: 'starttls' }],
  ] as const)('that fails is done without, on a new connection: %j', async (script) => {
    await using server = await startScriptedServer(script)
    using world = deliveryWorld({ port: server.port, timeouts: { command: 300, greeting: 300 } })
    const results = await world.attempt(await world.claim(['a@x.test']))
    expect(results.get(0)).toMatchObject({ kind: 'delivered' })
    expect(server.taken[0]).toMatchObject({ isTls: false, connection: 2 })
    // It is remembered for a while.
    await world.send(['a@x.test'])
    expect(server.commands.filter((line) => line === 'STARTTLS')).toHaveLength(1)
  })
})

describe('REQUIRETLS (RFC 8689)', () => {
  const envelope = { requireTls: true }

  it('is never sent in clear', async () => {
    for (const script of [{}, { tls: 'broken' as const }, { extensions: ['REQUIRETLS'] }]) {
      await using server = await startScriptedServer(script)
      using world = deliveryWorld({ port: server.port, timeouts: { greeting: 300 } })
      expect(await world.send(['a@x.test'], { envelope })).toEqual(['failed 5.7.10'])
      expect(server.commands.some((line) => line.startsWith('MAIL'))).toBe(false)
    }
  })

  it('is not sent to a server with a certificate of no authority', async () => {
    await using server = await startScriptedServer({ tls: 'works', extensions: ['REQUIRETLS'] })
    using world = deliveryWorld({ port: server.port })
    expect(await world.send(['a@x.test'], { envelope })).toEqual(['failed 5.7.10'])
    expect(server.taken).toHaveLength(0)
  })

  const through = (server: { port: number; certificate: string }) =>
    deliveryWorld({
      smarthost: { host: '127.0.0.1', port: server.port, tls: 'starttls', verify: true, ca: server.certificate },
    })

  it('is passed on to a server that promises it', async () => {
    await using server = await startScriptedServer({
      tls: 'works',
      extensions: ['REQUIRETLS'],
      certificateNames: ['127.0.0.1'],
    })
    using world = through(server)
    expect(await world.send(['a@x.test'], { envelope })).toEqual(['delivered 2.0.0'])
    expect(server.taken[0]?.mail).toContain(' REQUIRETLS')
  })

  it('fails at a server that does not promise it', async () => {
    await using server = await startScriptedServer({ tls: 'works', certificateNames: ['127.0.0.1'] })
    using world = through(server)
    expect(await world.send(['a@x.test'], { envelope })).toEqual(['failed 5.7.30'])
    expect(server.taken).toHaveLength(0)
  })
})

describe('a smarthost', () => {
  const auth = { user: 'us', pass: 'pw' }

  it('gets everything, after a login inside TLS', async () => {
    await using server = await startScriptedServer({
      tls: 'works',
      extensions: ['AUTH PLAIN LOGIN', '8BITMIME'],
      certificateNames: ['127.0.0.1'],
    })
    const base = { host: '127.0.0.1', port: server.port, verify: true, ca: server.certificate, auth }
    using world = deliveryWorld({ smarthost: { ...base, tls: 'starttls' }, zones: {} })
    expect(await world.send(['a@x.test', 'b@y.test'])).toEqual(['delivered 2.0.0', 'delivered 2.0.0'])
    expect(server.taken[0]?.isTls).toBe(true)
    expect(server.commands).toContain(`AUTH PLAIN ${Buffer.from('\0us\0pw').toString('base64')}`)
  })

  it('may speak TLS from the first byte', async () => {
    await using server = await startScriptedServer({ implicitTls: true, certificateNames: ['127.0.0.1'] })
    const smarthost = {
      host: '127.0.0.1',
      port: server.port,
      tls: 'implicit' as const,
      verify: true,
      ca: server.certificate,
    }
    using world = deliveryWorld({ smarthost })
    expect(await world.send(['a@x.test'])).toEqual(['delivered 2.0.0'])
    expect(server.taken[0]?.isTls).toBe(true)
  })

  it('is not believed without a good certificate: the message waits', async () => {
    await using server = await startScriptedServer({
      tls: 'works',
      extensions: ['AUTH PLAIN'],
      certificateNames: ['other.test'],
    })
    const smarthost = {
      host: '127.0.0.1',
      port: server.port,
      tls: 'starttls' as const,
      verify: true,
      ca: server.certificate,
      auth,
    }
    using world = deliveryWorld({ smarthost })
    expect(await world.send(['a@x.test'])).toEqual(['deferred 4.7.5'])
    expect(server.commands.some((line) => line.startsWith('AUTH'))).toBe(false)
  })

  it.each([
    [{ extensions: ['AUTH PLAIN'], replies: { auth: '535 5.7.8 wrong' } }],
    [{ extensions: [] }],
    [{ extensions: ['AUTH PLAIN'], dropAt: 'auth' as const }],
    [{ extensions: ['AUTH PLAIN'], stallAt: 'auth' as const }],
  ])('that does not let us in bounces nothing: %j', async (script) => {
    await using server = await startScriptedServer(script)
    const smarthost = { host: '127.0.0.1', port: server.port, tls: 'none' as const, verify: false, auth }
    using world = deliveryWorld({ smarthost, timeouts: { command: 300 } })
    expect(await world.send(['a@x.test'])).toEqual(['deferred 4.7.0'])
    expect(server.commands.some((line) => line.startsWith('MAIL'))).toBe(false)
  })

  it('without an address bounces nothing', async () => {
    using world = deliveryWorld({
      smarthost: { host: 'gw.invalid', port: 25, tls: 'none', verify: false },
      zones: {},
    })
    expect(await world.send(['a@x.test'])).toEqual(['deferred 4.4.4'])
  })
})
