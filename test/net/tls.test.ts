import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/errors/config-error.ts'
import type { Host } from '../../src/kernel/host.ts'
import { type Accepted, type ListenRequest, listeners, tlsContexts } from '../../src/net/listeners.ts'
import { eventually, scratch } from '../support/peer.ts'
import { certificateFor } from './certificate.ts'
import { startNetHost } from './net-host.ts'

const HANDSHAKE_MS = 400
const LIMITS = { maxConnections: 1000, maxPerAddress: 1000, handshakeTimeoutMs: HANDSHAKE_MS }
const ONE = certificateFor('one.example.test')
const TWO = certificateFor('*.two.example.test', 'two.example.test')

let dir: ReturnType<typeof scratch>
let host: Host & AsyncDisposable
let clients: (Socket | TLSSocket)[]
beforeEach(async () => {
  dir = scratch('tls')
  clients = []
  host = await startNetHost({ dataDir: dir.path, net: { tls: [ONE, TWO] } })
})
afterEach(async () => {
  for (const client of clients) client.destroy()
  await host.stop()
  dir[Symbol.dispose]()
})

async function listen(onConnection: ListenRequest['onConnection'], endpoint = 'tls://127.0.0.1:0') {
  const opened = await host
    .service(listeners)
    .listen({ protocol: 'test', endpoints: [endpoint], limits: LIMITS, onConnection })
  return { opened, port: opened.endpoints[0]?.port as number }
}
const greet = ({ socket }: Accepted) => void socket.end('hello\r\n')

async function talk(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  clients.push(client)
  await once(client, 'secureConnect')
  client.resume()
  return client
}

describe('certificates', () => {
  test.each([
    [undefined, 'one.example.test'],
    ['one.example.test', 'one.example.test'],
    ['TWO.example.test', '*.two.example.test'],
    ['mx.two.example.test', '*.two.example.test'],
    ['a.b.two.example.test', 'one.example.test'],
    ['unknown.example', 'one.example.test'],
  ])('for %s is that of %s', async (servername, commonName) => {
    const { port } = await listen(greet)
    const client = await talk(port, servername === undefined ? {} : { servername })
    expect(client.getPeerCertificate().subject.CN).toBe(commonName)
  })

  test('may be given names that they do not carry', async () => {
    await using other = await startNetHost({
      dataDir: dir.path,
      net: { tls: [ONE, { ...TWO, names: ['alias.example'] }] },
    })
    const tls = other.service(tlsContexts)
    expect(tls.contextFor('alias.example')).not.toBe(tls.contextFor('one.example.test'))
    expect(tls.contextFor('two.example.test')).toBe(tls.contextFor(undefined))
    expect(tls.summary).toMatchObject({ isSelfSigned: false, certFile: undefined })
    expect(tls.summary.fingerprint).toMatch(/^SHA256 ([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
  })

  test.each([
    ['no PEM', [{ cert: 'nothing', key: ONE.key }], 'tls[0].cert: expected a certificate in PEM'],
    ['no key', [ONE, { cert: TWO.cert, key: 'nothing' }], 'tls[1].key: expected a private key in PEM'],
    ['the key of another', [{ cert: TWO.cert, key: ONE.key }], 'tls[0].key: expected the private key of this'],
  ])('with %s are named in the error', async (_, tls, message) => {
    const failed = await startNetHost({ dataDir: dir.path, net: { tls } }).catch((err) => err)
    expect(failed).toBeInstanceOf(ConfigError)
    expect(failed.message).toContain(message)
  })
})

describe('a handshake', () => {
  test('of TLS 1.1 is refused, of 1.2 and 1.3 served', async () => {
    const { port } = await listen(greet)
    const old = connect({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    clients.push(old)
    const [failure] = await once(old, 'error')
    expect(failure.code).toMatch(/ERR_SSL|ECONNRESET/)
    expect((await talk(port, { maxVersion: 'TLSv1.2' })).getProtocol()).toBe('TLSv1.2')
    expect((await talk(port)).getProtocol()).toBe('TLSv1.3')
  })

  test.each([
    ['says nothing', ''],
    ['says half a ClientHello', Buffer.from('16030100c8010000c40303', 'hex')],
  ])('of a peer that %s ends in time', async (_, octets) => {
    const { port, opened } = await listen(greet)
    const stalled = connectTcp(port, '127.0.0.1')
    clients.push(stalled)
    stalled.resume()
    if (octets !== '') stalled.write(octets)
    await eventually(() => opened.connections === 1)
    const since = performance.now()
    await once(stalled, 'close')
    expect(performance.now() - since).toBeLessThan(HANDSHAKE_MS * 4)
    await eventually(() => opened.connections === 0)
  })

  test('of noise or of plaintext ends at once', async () => {
    const { port, opened } = await listen(greet)
    for (const octets of [Buffer.alloc(1000, 0xff), 'CAPA\r\n', 'GET / HTTP/1.0\r\n\r\n']) {
      const client = connectTcp(port, '127.0.0.1').on('error', () => {})
      clients.push(client)
      client.resume()
      client.write(octets)
      await once(client, 'close')
    }
    await eventually(() => opened.connections === 0)
  })

  test('is not kept waiting by 300 that stall', async () => {
    const { port } = await listen(greet)
    for (let at = 0; at < 300; at++) {
      const stalled = connectTcp(port, '127.0.0.1').on('error', () => {})
      clients.push(stalled)
      if (at % 3 > 0) stalled.write(Buffer.from('16030100c8010000c40303', 'hex'))
    }
    const client = await talk(port)
    expect(client.getProtocol()).toBe('TLSv1.3')
  })

  test('that is reset at any moment harms nobody', async () => {
    const { port, opened } = await listen(greet)
    for (let at = 0; at < 100; at++) {
      const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', () => {})
      clients.push(client)
      setTimeout(() => client.destroy(), at % 10)
    }
    await eventually(() => opened.connections === 0 && clients.every(({ destroyed }) => destroyed))
    await talk(port)
  })
})

describe('upgrade', () => {
  test('secures a connection in the middle, and closes it for the count', async () => {
    const { port, opened } = await listen(async ({ socket }) => {
      socket.write('go\r\n')
      const secure = await host.service(tlsContexts).upgrade(socket, 1_000)
      secure.on('data', (chunk) => secure.write(chunk))
    }, '127.0.0.1:0')
    const raw = connectTcp(port, '127.0.0.1')
    clients.push(raw)
    await once(raw, 'data')
    const secure = connect({ socket: raw, rejectUnauthorized: false, servername: 'two.example.test' })
    await once(secure, 'secureConnect')
    secure.write('echo')
    expect(String((await once(secure, 'data'))[0])).toBe('echo')
    expect(secure.getPeerCertificate().subject.CN).toBe('*.two.example.test')
    expect(opened.connections).toBe(1)
    secure.destroy()
    await eventually(() => opened.connections === 0)
  })

  test.each([
    ['stalls', () => {}, /no TLS handshake within 100 ms/],
    ['leaves', (raw: Socket) => void raw.end(), /left/],
    ['resets', (raw: Socket) => void raw.resetAndDestroy(), /left|ECONNRESET/],
    ['goes on in plaintext', (raw: Socket) => void raw.write('USER mallory\r\n'), /wrong version|packet|SSL|record/i],
  ])('rejects when the peer %s', async (_, act, message) => {
    let failure: unknown
    const { port, opened } = await listen(async ({ socket }) => {
      socket.allowHalfOpen = true
      failure = await host
        .service(tlsContexts)
        .upgrade(socket, 100)
        .catch((err) => err)
    }, '127.0.0.1:0')
    const raw = connectTcp(port, '127.0.0.1').on('error', () => {})
    clients.push(raw)
    raw.resume()
    await once(raw, 'connect')
    act(raw)
    await eventually(() => failure !== undefined)
    expect((failure as Error).message).toMatch(message)
    await eventually(() => opened.connections === 0)
  })

  test('of a socket that is gone rejects', async () => {
    const { port } = await listen(greet, '127.0.0.1:0')
    const gone = connectTcp(port, '127.0.0.1')
    gone.destroy()
    await once(gone, 'close')
    await expect(host.service(tlsContexts).upgrade(gone, 100)).rejects.toThrow(/left before/)
  })
})
