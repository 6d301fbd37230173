import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { connectionOpened, defer, definePlugin, type Log, reject } from 'mailserver'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { eventually } from '../../support/peer.ts'
import { Pop3Client } from './pop3-client.ts'
import { PASSWORD, type Pop3Host, startPop3 } from './pop3-host.ts'

let host: Pop3Host
let logged: string[]
const write = (fields: object, message?: string) => void logged.push(`${JSON.stringify(fields)} ${message}`)
const log: Log = { trace: write, debug: write, info: write, warn: write, error: write, child: () => log }

beforeEach(async () => {
  logged = []
  host = await startPop3({ log })
  await host.deliver(['Subject: one\r\n\r\nHello\r\n'])
})
afterEach(() => host[Symbol.asyncDispose]())

const isAlive = async () => {
  using client = await Pop3Client.connect(host, { tls: false })
  return (await client.command('QUIT')) === '+OK Bye'
}

describe('a client that misbehaves', () => {
  test('is closed after twenty faults', async () => {
    using client = await Pop3Client.login(host)
    for (let at = 0; at < 19; at++) expect(await client.command('XXXX')).toBe('-ERR Unknown command')
    expect(await client.command('XXXX')).toBe('-ERR Too many faults')
    expect(await client.rest()).toBe('')
  })

  test('with an over-long line is told so, and can go on', async () => {
    using client = await Pop3Client.login(host)
    for (const length of [4_097, 100_000]) expect(await client.command('x'.repeat(length))).toBe('-ERR Line too long')
    expect(await client.command('STAT')).toMatch(/^\+OK 1 /)
  })

  test('with a line that never ends is closed', async () => {
    using client = await Pop3Client.connect(host, { tls: false })
    client.write(Buffer.alloc(3 * 1024 * 1024, 'x'))
    expect(await client.rest()).toMatch(/^(-ERR Too many faults\r\n)?$/)
    expect(await isAlive()).toBe(true)
  })

  test('with noise is closed, and nobody else notices', async () => {
    for (let at = 0; at < 20; at++) {
      using client = await Pop3Client.connect(host, { tls: false })
      client.write(randomBytes(20_000))
      client.write(`\r\n${'\r\n'.repeat(25)}`)
      expect(await client.rest()).toMatch(/-ERR Too many faults\r\n$/)
    }
    expect(await isAlive()).toBe(true)
  })

  test('that sends commands without end and reads nothing does not fill the memory', async () => {
    using client = await Pop3Client.login(host)
    client.socket.pause()
    const group = Buffer.from('UIDL\r\nLIST\r\nRETR 1\r\n'.repeat(5_000))
    const before = process.memoryUsage().rss
    for (let at = 0; at < 100; at++) client.write(group)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024)
    expect(await isAlive()).toBe(true)
  })

  test.each([
    ['before the greeting is read', async () => (await Pop3Client.dial(host, { tls: false })).close()],
    ['after half a command', async () => cut(await Pop3Client.connect(host), 'US')],
    ['after USER', async () => cut(await Pop3Client.connect(host), 'USER alice@example.test\r\n')],
    [
      'while its password is checked',
      async () => cut(await Pop3Client.connect(host), `USER alice@example.test\r\nPASS ${PASSWORD}\r\n`),
    ],
    ['while it waits for a wrong one', async () => cut(await Pop3Client.connect(host), 'USER x\r\nPASS y\r\n')],
    ['in the middle of AUTH', async () => cut(await Pop3Client.connect(host), 'AUTH PLAIN\r\n')],
    ['in the middle of STLS', async () => cut(await Pop3Client.connect(host, { tls: false }), 'STLS\r\n')],
    [
      'with half a TLS handshake',
      async () => cut(await Pop3Client.connect(host, { tls: false }), 'STLS\r\n\x16\x03\x01'),
    ],
    ['after DELE', async () => cut(await Pop3Client.login(host), 'DELE 1\r\n')],
    ['in the middle of RETR', async () => cut(await Pop3Client.login(host), 'RETR 1\r\n'.repeat(1000))],
  ])('by vanishing %s leaves no session, no lock and no deletion', async (_, act) => {
    await act()
    await eventually(() => host.sessions().length === 0)
    using client = await Pop3Client.login(host)
    expect(await client.command('STAT')).toMatch(/^\+OK 1 /)
    expect(logged.filter((line) => line.includes('ended with a fault'))).toEqual([])
  })

  test('by a thousand connections at once finds its limit, and others are served after', async () => {
    await host[Symbol.asyncDispose]()
    host = await startPop3({ log, pop3: { maxConnections: 100, maxConnectionsPerAddress: 1_000 } })
    const heard = Array.from({ length: 1_000 }, () => '')
    const sockets: Socket[] = heard.map((_, at) =>
      connect(host.port, '127.0.0.1')
        .on('data', (chunk) => {
          heard[at] += chunk.toString()
        })
        .on('error', () => {}),
    )
    await eventually(() => sockets.filter(({ destroyed }) => !destroyed).length === 100, 20_000)
    await eventually(() => heard.filter((text) => text === '+OK mx.example.test POP3 ready\r\n').length === 100)
    expect(heard).toContain('-ERR [SYS/TEMP] Too many connections, try again later\r\n')
    for (const socket of sockets) socket.destroy()
    await eventually(() => host.sessions().length === 0)
    expect(await isAlive()).toBe(true)
  })
})

test('no log has a password in it', async () => {
  using client = await Pop3Client.connect(host)
  await client.command('USER alice@example.test')
  await client.command('PASS a-wrong-one')
  await client.command(`AUTH PLAIN ${Buffer.from('\0alice@example.test\0a-wrong-two').toString('base64')}`)
  await client.command('USER alice@example.test')
  await client.command(`PASS ${PASSWORD}`)
  await client.command('QUIT')
  const all = logged.join('\n')
  expect(all).toContain('login failed')
  for (const secret of ['a-wrong', PASSWORD, Buffer.from('a-wrong-two').toString('base64').slice(0, 8)]) {
    expect(all).not.toContain(secret)
  }
})

test.each([
  ['defers', defer('4.7.1', 'Come back later'), '-ERR [SYS/TEMP] Come back later'],
  ['rejects', reject('5.7.1', 'Go away'), '-ERR [SYS/PERM] Go away'],
])('a plugin that %s a connection ends it with its words', async (_, verdict, greeting) => {
  const guard = definePlugin({
    name: 'guard',
    apiVersion: '^1',
    options: z.object({}),
    setup({ hooks }) {
      hooks.on(connectionOpened, () => verdict)
      return undefined
    },
  })
  await using guarded = await startPop3({ plugins: [guard({})] })
  using client = await Pop3Client.dial(guarded, { tls: false })
  expect(await client.rest()).toBe(`${greeting}\r\n`)
})

async function cut(client: Pop3Client, text: string): Promise<void> {
  await new Promise((resolve) => client.socket.write(Buffer.from(text, 'latin1'), resolve))
  if ('resetAndDestroy' in client.socket && !('encrypted' in client.socket)) client.socket.resetAndDestroy()
  else client.close()
}
