import { once } from 'node:events'
import { statSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { type Accepted, type ListenRequest, listeners, tlsContexts } from '../../src/net/listeners.ts'
import { scratch } from '../support/peer.ts'
import { startNetHost } from './net-host.ts'

const LIMITS = { maxConnections: 100, maxPerAddress: 100, handshakeTimeoutMs: 2_000 }
const greet = ({ socket }: Accepted) => void socket.end('hello\r\n')
const request = (endpoints: readonly string[], more: Partial<ListenRequest> = {}): ListenRequest => ({
  protocol: 'test',
  endpoints,
  limits: LIMITS,
  onConnection: greet,
  ...more,
})

describe('the net plugin', () => {
  test('serves tcp and tls with a certificate of its own', async () => {
    using dir = scratch('net')
    await using host = await startNetHost({ dataDir: dir.path })
    const accepted: Accepted[] = []
    const opened = await host.service(listeners).listen(
      request(['127.0.0.1:0', 'tls://127.0.0.1:0'], {
        onConnection: (connection) => {
          accepted.push(connection)
          greet(connection)
        },
      }),
    )
    const [plain, secure] = opened.endpoints.map(({ port }) => port) as [number, number]
    expect(await readAll(connectTcp(plain, '127.0.0.1'))).toBe('hello\r\n')
    const client = connectTls({ port: secure, host: '127.0.0.1', rejectUnauthorized: false, servername: 'localhost' })
    expect(await readAll(client)).toBe('hello\r\n')

    expect(accepted.map(({ isTls }) => isTls)).toEqual([false, true])
    expect(accepted[1]?.connection.tls?.version).toBe('TLSv1.3')
    expect(accepted[0]?.connection).toMatchObject({ protocol: 'test', remoteAddress: '127.0.0.1', localPort: plain })
    expect(host.service(tlsContexts).summary).toMatchObject({ isSelfSigned: true })
    for (const file of ['cert.pem', 'key.pem']) {
      expect(statSync(join(dir.path, 'tls', file)).mode & 0o777).toBe(0o600)
    }
  })

  test('opens nothing and makes no certificate offline', async () => {
    using dir = scratch('net')
    await using host = await startNetHost({ dataDir: dir.path, mode: 'offline' })
    expect(() => host.service(tlsContexts).summary).toThrow(/has started/)
    expect(() => statSync(join(dir.path, 'tls'))).toThrow(/ENOENT/)
  })
})

async function readAll(socket: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk
  })
  await once(socket, 'end')
  return text
}
