import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { authenticateToken, definePlugin, parseAddress, tlsContexts } from 'mailserver'
import { imap } from 'mailserver/plugins/imap'
import { pop3 } from 'mailserver/plugins/pop3'
import { submission } from 'mailserver/plugins/smtp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { run, scratch } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

const LISTEN = ['127.0.0.1:0', 'tls://127.0.0.1:0']
const BOB = parseAddress('bob@example.test')

const tokens = definePlugin({
  name: 'tokens',
  apiVersion: '^1',
  options: z.object({}),
  setup({ hooks }) {
    hooks.on(authenticateToken, async ({ token }) => (token === 'good' && BOB ? { address: BOB } : false))
    return undefined
  },
})

describeWith(['gsasl', 'curl', 'openssl'], 'SASL', () => {
  const dir = scratch('sasl')
  const file = (name: string) => join(dir.path, name)
  let server: TestServer
  let certFile: string
  beforeAll(async () => {
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir.path, stdio: 'ignore' })
    const ca = ['-subj', '/CN=Our CA', '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
    for (const name of ['ca', 'other-ca']) {
      openssl(
        'req',
        '-x509',
        ...ca,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.pem`,
        '-addext',
        'basicConstraints=critical,CA:TRUE',
      )
    }
    const request = ['-subj', '/CN=alice', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
    openssl('req', '-new', ...request, '-keyout', 'alice.key', '-out', 'alice.csr')
    writeFileSync(file('ext'), 'subjectAltName=email:alice@example.test\nextendedKeyUsage=clientAuth\n')
    for (const name of ['ca', 'other-ca']) {
      const issuer = ['-CA', `${name}.pem`, '-CAkey', `${name}.key`, '-CAcreateserial']
      openssl(
        'x509',
        '-req',
        '-in',
        'alice.csr',
        ...issuer,
        '-days',
        '2',
        '-extfile',
        'ext',
        '-out',
        `alice-by-${name}.pem`,
      )
    }
    server = await startTestServer({
      plugins: [
        submission({ listen: LISTEN }),
        imap({ listen: LISTEN }),
        pop3({ listen: LISTEN, failureDelay: 10 }),
        tokens({}),
      ],
      clientCa: readFileSync(file('ca.pem'), 'utf8'),
    })
    certFile = server.service(tlsContexts).summary.certFile as string
  })
  afterAll(async () => {
    await server?.stop()
    dir[Symbol.dispose]()
  })

  const gsasl = (protocol: 'imap' | 'submission', mechanism: string, password: string, ...more: string[]) =>
    run('gsasl', [
      ...[protocol === 'imap' ? '--imap' : '--smtp', '--connect', `localhost:${server.port(protocol)}`, '--starttls'],
      ...['--x509-ca-file', certFile, '--mechanism', mechanism],
      ...['--authentication-id', 'alice@example.test', '--password', password, '--quiet', ...more],
    ])

  describe.each([
    ['submission', /235 /],
    ['imap', /OK \[CAPABILITY .*\] Logged in/],
  ] as const)('gsasl over %s', (protocol, success) => {
    test.each([
      ['SCRAM-SHA-256', ['--no-cb']],
      ['SCRAM-SHA-256-PLUS', []],
      ['PLAIN', []],
      ['LOGIN', []],
    ])('logs in by %s', async (mechanism, more) => {
      const right = await gsasl(protocol, mechanism, 'secret', ...more)
      expect(right.stdout + right.stderr).toMatch(success)
      const wrong = await gsasl(protocol, mechanism, 'wrong', ...more)
      expect(wrong.stdout + wrong.stderr).not.toMatch(success)
    })
  })

  const curl = (...args: string[]) =>
    run('curl', [
      '--silent',
      '--show-error',
      '--cacert',
      certFile,
      ...args,
      `pop3s://localhost:${server.port('pop3', { tls: true })}/`,
    ])

  describe('curl', () => {
    test.each(['OAUTHBEARER', 'XOAUTH2'])('logs in by %s', async (mechanism) => {
      const login = ['--user', 'bob@example.test:', '--login-options', `AUTH=${mechanism}`]
      expect(await curl(...login, '--oauth2-bearer', 'good')).toMatchObject({ code: 0 })
      expect((await curl(...login, '--oauth2-bearer', 'bad')).code).toBe(67)
    })

    test('logs in by its certificate, and not by that of a stranger', async () => {
      const login = ['--user', 'alice@example.test:', '--login-options', 'AUTH=EXTERNAL', '--key', file('alice.key')]
      expect(await curl(...login, '--cert', file('alice-by-ca.pem'))).toMatchObject({ code: 0 })
      expect((await curl(...login, '--cert', file('alice-by-other-ca.pem'))).code).not.toBe(0)
      const password = ['--user', 'alice@example.test:secret', '--key', file('alice.key')]
      expect(await curl(...password, '--cert', file('alice-by-other-ca.pem'))).toMatchObject({ code: 0 })
    })
  })
})
