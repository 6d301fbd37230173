import { X509Certificate } from 'node:crypto'
import { authenticate, authenticateToken, definePlugin, type SaslChannel, sasl } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { address } from '../../intake/support/world.ts'
import { startTestServer } from '../../support/test-server.ts'

const CHANNEL: SaslChannel = {
  protocol: 'imap',
  remoteAddress: '192.0.2.1',
  tls: { version: 'TLSv1.3', keyingMaterial: () => Buffer.alloc(32), certificate: undefined },
}

const tokens = definePlugin({
  name: 'tokens',
  apiVersion: '^1',
  options: z.object({}),
  setup({ hooks }) {
    hooks.on(authenticateToken, async ({ token }) =>
      token === 'good' ? { address: address('bob@example.test') } : false,
    )
    return undefined
  },
})

const BEARER = (login: string, token: string) =>
  `n,a=${login},\x01host=mail\x01port=993\x01auth=Bearer ${token}\x01\x01`
const XOAUTH2 = (login: string, token: string) => `user=${login}\x01auth=Bearer ${token}\x01\x01`

describe('logins by token (RFC 7628)', () => {
  it('are offered while a plugin knows tokens', async () => {
    await using without = await startTestServer()
    expect(without.service(sasl).mechanisms(CHANNEL)).not.toContain('OAUTHBEARER')
    await using server = await startTestServer({ plugins: [tokens({})] })
    expect(server.service(sasl).mechanisms(CHANNEL)).toEqual(expect.arrayContaining(['OAUTHBEARER', 'XOAUTH2']))
  })

  it.each([
    ['OAUTHBEARER', BEARER],
    ['XOAUTH2', XOAUTH2],
  ])('%s lets in whose token is good, and tells others why not before it refuses', async (mechanism, say) => {
    await using server = await startTestServer({ plugins: [tokens({})] })
    const start = () => server.service(sasl).start(mechanism, CHANNEL)
    const good = await start()?.respond(Buffer.from(say('bob@example.test', 'good')))
    expect(good).toMatchObject({ kind: 'done', account: { address: { local: 'bob' } } })
    for (const wrong of [say('bob@example.test', 'bad'), say('alice@example.test', 'good')]) {
      const exchange = start()
      const step = await exchange?.respond(Buffer.from(wrong))
      expect(step?.kind === 'challenge' && JSON.parse(step.data.toString())).toMatchObject({ status: 'invalid_token' })
      await expect(exchange?.respond(Buffer.from('\x01'))).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    }
    for (const text of ['', 'n,,', say('bob@example.test', ''), say('bob@example.test', 'good').slice(0, -1)]) {
      await expect(start()?.respond(Buffer.from(text))).rejects.toMatchObject({ code: 'INVALID' })
    }
  })
})

describe('SCRAM', () => {
  it('is not offered where a plugin checks passwords: it never sees one', async () => {
    const passwords = definePlugin({
      name: 'passwords',
      apiVersion: '^1',
      options: z.object({}),
      setup({ hooks }) {
        hooks.on(authenticate, async () => undefined)
        return undefined
      },
    })
    await using server = await startTestServer({ plugins: [passwords({})] })
    expect(server.service(sasl).mechanisms(CHANNEL)).toEqual(['PLAIN', 'LOGIN'])
  })
})

describe('EXTERNAL (RFC 4422 appendix A)', () => {
  const shown = (subjectAltName: string): SaslChannel => ({
    ...CHANNEL,
    tls: {
      version: 'TLSv1.3',
      keyingMaterial: () => Buffer.alloc(32),
      certificate: Object.create(X509Certificate.prototype, { subjectAltName: { value: subjectAltName } }),
    },
  })

  it('lets in as an address of the certificate, and as no other', async () => {
    await using server = await startTestServer()
    const { mechanisms, start } = server.service(sasl)
    expect(mechanisms(CHANNEL)).not.toContain('EXTERNAL')
    expect(mechanisms(shown('DNS:host.example.test'))).not.toContain('EXTERNAL')
    const both = shown('DNS:x, email:stranger@else.test, email:alice@example.test, email:bob@example.test')
    expect(mechanisms(both)[0]).toBe('EXTERNAL')
    const as = (name: string) => start('EXTERNAL', both)?.respond(Buffer.from(name))
    expect(await as('')).toMatchObject({ account: { address: { local: 'alice' } } })
    expect(await as('bob@example.test')).toMatchObject({ account: { address: { local: 'bob' } } })
    for (const other of ['stranger@else.test', 'nobody@example.test']) {
      await expect(as(other)).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    }
  })
})
