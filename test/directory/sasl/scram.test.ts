import { createHmac } from 'node:crypto'
import { type Sasl, type SaslChannel, type SaslTls, sasl } from 'mailserver'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scramVerifier } from '../../../src/directory/scram-verifier.ts'
import { startTestServer, type TestServer } from '../../support/test-server.ts'
import { ScramClient, type ScramClientOptions } from './scram-client.ts'

const EXPORTED = Buffer.alloc(32, 7)
const TLS: SaslTls = { version: 'TLSv1.3', keyingMaterial: () => EXPORTED, certificate: undefined }
let last = 0
const channel = (tls: SaslTls | undefined = TLS): SaslChannel => ({
  protocol: 'imap',
  remoteAddress: `192.0.2.${++last}`,
  tls,
})

describe('the verifier of a password', () => {
  it('is the one of RFC 7677 section 3', async () => {
    const verifier = await scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096)
    const authMessage =
      'n=user,r=rOprNGfwEbeRWgbNEkqO,' +
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,' +
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
    const signature = createHmac('sha256', Buffer.from(verifier?.serverKey ?? '', 'base64')).update(authMessage)
    expect(signature.digest('base64')).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
  })

  it('is the same for two spellings of one password, and there is none for controls (RFC 4013)', async () => {
    const salt = Buffer.alloc(16)
    expect(await scramVerifier('\u2168', salt, 1)).toEqual(await scramVerifier('IX', salt, 1))
    expect(await scramVerifier('a\u0007', salt, 1)).toBeUndefined()
  })
})

describe('SCRAM-SHA-256', () => {
  let server: TestServer
  let mechanisms: Sasl
  beforeAll(async () => {
    server = await startTestServer()
    mechanisms = server.service(sasl)
  })
  afterAll(() => server.stop())

  async function run(options: ScramClientOptions, how: { mechanism?: string; channel?: SaslChannel } = {}) {
    const exchange = mechanisms.start(how.mechanism ?? 'SCRAM-SHA-256', how.channel ?? channel())
    if (exchange === undefined) throw new Error('the mechanism is not offered')
    const client = new ScramClient(options)
    const serverFirst = await exchange.respond(client.first())
    if (serverFirst.kind === 'done') throw new Error('done too soon')
    const serverFinal = await exchange.respond(client.final(serverFirst.data.toString()))
    if (serverFinal.kind === 'done') throw new Error('done without the signature')
    expect(client.accepts(serverFinal.data.toString())).toBe(true)
    return exchange.respond(Buffer.alloc(0))
  }

  const alice = { login: 'alice@example.test', password: 'secret' }
  const bound = { ...alice, flag: 'p=tls-exporter', binding: EXPORTED }
  const plus = { mechanism: 'SCRAM-SHA-256-PLUS' }

  it('lets in who knows the password, and shows that the server knows it too', async () => {
    const step = await run(alice)
    expect(step).toMatchObject({ kind: 'done', account: { address: { local: 'alice' } } })
  })

  it('lets in who binds the exchange to this connection (RFC 9266)', async () => {
    expect(await run(bound, plus)).toMatchObject({ kind: 'done' })
  })

  it.each([
    ['a wrong password', { ...alice, password: 'Secret' }, {}],
    ['an unknown login', { ...alice, login: 'nobody@example.test' }, {}],
    ['the binding of another connection', { ...bound, binding: Buffer.alloc(32, 8) }, plus],
    ['another flag than it binds', { ...alice, binding: EXPORTED }, {}],
  ])('refuses %s', async (_what, options, how) => {
    await expect(run(options, how)).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
  })

  it.each([
    ['a client that was told that there is no binding', { ...alice, flag: 'y' }, {}],
    ['binding without the mechanism for it', bound, {}],
    ['the mechanism for binding without binding', alice, plus],
    ['a binding that is not for TLS 1.3', { ...bound, flag: 'p=tls-unique' }, plus],
  ])('refuses %s at once', async (_what, options, how) => {
    await expect(run(options, how)).rejects.toMatchObject({ code: 'INVALID' })
  })

  it('takes a client that could bind where there is nothing to bind to', async () => {
    const old = channel({ ...TLS, version: 'TLSv1.2' })
    expect(mechanisms.mechanisms(old)).not.toContain('SCRAM-SHA-256-PLUS')
    expect(await run({ ...alice, flag: 'y' }, { channel: old })).toMatchObject({ kind: 'done' })
  })

  it('offers nothing in clear', () => {
    const clear = { ...channel(), tls: undefined }
    expect(mechanisms.mechanisms(clear)).toEqual([])
    expect(mechanisms.start('PLAIN', clear)).toBeUndefined()
  })

  it('answers a login that does not exist as it answers one that does, each time the same', async () => {
    const first = async (login: string) => {
      const step = await mechanisms
        .start('scram-sha-256', channel())
        ?.respond(new ScramClient({ login, password: 'x' }).first())
      return step?.kind === 'challenge' ? step.data.toString().replace(/^r=[^,]+,/, '') : undefined
    }
    for (const login of ['alice@example.test', 'nobody@example.test', 'a@b@c']) {
      const answer = await first(login)
      expect(answer).toMatch(/^s=[A-Za-z0-9+/]{22}==,i=60000$/)
      expect(await first(login)).toBe(answer)
    }
    expect(await first('alice@example.test')).not.toBe(await first('bob@example.test'))
  })

  it.each([
    '',
    'n,,',
    'n,,n=,r=x',
    'n,,n=a,r=',
    'x,,n=a,r=b',
    'n,,m=ext,n=a,r=b',
    'n,,n=a=2,r=b',
    'n,,n=a\u0007,r=b',
    '\xff',
  ])('finds %j malformed', async (text) => {
    const exchange = mechanisms.start('SCRAM-SHA-256', channel())
    await expect(exchange?.respond(Buffer.from(text, 'latin1'))).rejects.toMatchObject({ code: 'INVALID' })
  })

  it('blocks an address that guesses, whatever it guesses with', async () => {
    const guesser = channel()
    for (let at = 0; at < 10; at++) {
      const wrong = run({ ...alice, password: `guess ${at}` }, { channel: guesser })
      await expect(wrong).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    }
    await expect(run(alice, { channel: guesser })).rejects.toMatchObject({ code: 'LIMIT_REACHED' })
  })
})
