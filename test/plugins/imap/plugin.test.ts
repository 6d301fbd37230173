import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type ConfiguredPlugin, connectionOpened, definePlugin, jmapSession, reject, sessions } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { imap } from '../../../plugins/imap/index.ts'
import { eventually } from '../../support/peer.ts'
import { startTestServer, type TestServer } from '../../support/test-server.ts'
import { TestClient } from './support/test-client.ts'

const LISTEN = ['127.0.0.1:0', 'tls://127.0.0.1:0']

const start = (...plugins: readonly ConfiguredPlugin[]) =>
  startTestServer({ plugins: plugins.length > 0 ? plugins : [imap({ listen: LISTEN })] })

async function clear(server: TestServer): Promise<TestClient> {
  return new TestClient(connect(server.port('imap'), '127.0.0.1'))
}

async function secure(server: TestServer): Promise<TestClient> {
  const socket = connectTls({ port: server.port('imap', { tls: true }), host: '127.0.0.1', rejectUnauthorized: false })
  const client = new TestClient(socket)
  await client.line()
  return client
}

describe('STARTTLS', () => {
  it('begins anew: what was sent in clear behind it is never run (CVE-2011-0411)', async () => {
    await using server = await start()
    const client = await clear(server)
    await client.line()
    client.send('a1 STARTTLS\r\na2 NOOP\r\n')
    expect(await client.line()).toBe('a1 OK Begin TLS negotiation now')
    const raw = client.socket
    raw.removeAllListeners('data')
    const socket = connectTls({ socket: raw, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const upgraded = new TestClient(socket)
    expect(await upgraded.ok('CAPABILITY')).toEqual([
      '* CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN',
    ])
    expect(await upgraded.command('STARTTLS')).toEqual(['t2 BAD TLS is on already'])
    await upgraded.ok('LOGIN alice@example.test secret')
    expect(server.service(sessions).list()).toEqual([
      expect.objectContaining({ protocol: 'imap', account: 'alice@example.test', tls: true, state: 'idle' }),
    ])
    upgraded.close()
    await eventually(() => server.service(sessions).list().length === 0)
  })

  it('ends the session when the handshake is none', async () => {
    await using server = await start()
    const client = await clear(server)
    await client.line()
    await client.ok('STARTTLS')
    client.send('a2 NOOP\r\n')
    expect(await client.rest()).not.toContain('a2')
    await eventually(() => server.service(sessions).list().length === 0)
  })
})

describe('the life of the server', () => {
  it('says BYE when it stops, and lets sessions go on when it reloads', async () => {
    const server = await start()
    const client = await secure(server)
    await client.ok('LOGIN alice@example.test secret')
    const deadline = new AbortController()
    const drained = server.host.drain(deadline.signal, 'reload')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await client.ok('NOOP')).toEqual([])
    const stopped = server.stop()
    expect(await client.rest()).toBe('* BYE Server is going away\r\n')
    await Promise.all([drained, stopped])
  })

  it('cuts what is left at the deadline', async () => {
    await using server = await start()
    const client = await secure(server)
    const deadline = new AbortController()
    const drained = server.host.drain(deadline.signal, 'reload')
    deadline.abort()
    await drained
    await client.rest()
  })

  it('greets with BYE whom a plugin refuses', async () => {
    const bouncer = definePlugin({
      name: 'bouncer',
      apiVersion: '^1',
      options: z.object({}),
      setup({ hooks }) {
        hooks.on(connectionOpened, () => reject('5.7.1', 'Not from there'))
        return undefined
      },
    })
    await using server = await start(imap({ listen: LISTEN }), bouncer())
    const client = await clear(server)
    expect(await client.rest()).toBe('* BYE Not from there\r\n')
  })

  it('refuses one connection too many', async () => {
    await using server = await start(imap({ listen: LISTEN, limits: { perAddress: 1 } }))
    const first = await clear(server)
    await first.line()
    const second = await clear(server)
    expect(await second.rest()).toBe('* BYE [UNAVAILABLE] Too many connections\r\n')
    expect(await first.ok('NOOP')).toEqual([])
  })

  it('names an option that is wrong', async () => {
    await expect(start(imap({ listen: LISTEN, limits: { idleTimeout: 'soon' } }))).rejects.toThrow(
      /imap\.limits\.idleTimeout: expected a duration/,
    )
    await expect(start(imap({ listen: LISTEN, limits: { idleTimeout: '5m' } }))).rejects.toThrow(
      /imap\.limits\.idleTimeout: expected '30m' or more/,
    )
    await expect(start(imap({ listen: [] }))).rejects.toThrow(/imap\.listen/)
  })
})

it('serves a thousand connections at once', async () => {
  await using server = await start(imap({ listen: LISTEN, limits: { perAddress: 2000 } }))
  const clients = await Promise.all(Array.from({ length: 1000 }, () => clear(server)))
  await Promise.all(clients.map((client) => client.line(15_000)))
  for (const client of clients) client.send('a NOOP\r\n')
  for (const client of clients) expect(await client.line(15_000)).toBe('a OK Noop completed')
  for (const client of clients) client.close()
}, 60_000)

it('offers JMAPACCESS where another plugin speaks JMAP (RFC 9698)', async () => {
  const jmap = definePlugin({
    name: 'jmap-stub',
    apiVersion: '^1',
    options: z.object({}),
    provides: { jmap: jmapSession },
    setup: () => ({ services: { jmap: { sessionUrl: 'https://example.test/jmap/session' } } }),
  })
  await using server = await start(imap({ listen: LISTEN }), jmap({}))
  const client = await secure(server)
  await client.ok('LOGIN alice@example.test secret')
  expect((await client.ok('CAPABILITY')).join()).toMatch(/ JMAPACCESS( |$)/)
  expect(await client.ok('GETJMAPACCESS')).toEqual(['* JMAPACCESS "https://example.test/jmap/session"'])
  client.close()
})
