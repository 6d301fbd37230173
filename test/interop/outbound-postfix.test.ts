import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { directory, intake, mailStore, parseAddress, queue } from 'mailserver'
import { expect, it } from 'vitest'
import { outbound } from '../../plugins/outbound/index.ts'
import { certificateFor } from '../net/certificate.ts'
import { startDnsServer } from '../support/dns-server.ts'
import { eventually, freePort, scratch } from '../support/peer.ts'
import { type Postfix, startPostfix } from '../support/postfix.ts'
import { describeWith } from '../support/programs.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

const DATA = join(import.meta.dirname, '../../../shared/data/messages')

const address = (text: string) => {
  const parsed = parseAddress(text)
  if (parsed === undefined) throw new Error(`${text} is no address`)
  return parsed
}

const ZONES = {
  'postfix.test': ['@ MX 10 mx', 'mx A 127.0.0.1'],
  'backup.test': ['@ MX 10 down', '@ MX 20 mx.postfix.test.', 'down A 127.0.0.9'],
  'plain.test': ['@ A 127.0.0.1'],
  'nomail.test': ['@ MX 0 .', '@ A 127.0.0.1'],
  'loop.test': ['@ MX 10 mail.example.test.'],
  'example.test': ['mail A 127.0.0.1'],
}

const USERS = ['bob@postfix.test', 'bob@backup.test', 'bob@plain.test']

describeWith(['postfix', 'knotd', 'knotc', 'dig'], 'delivery by MX to a real Postfix', () => {
  it('delivers by MX, by a backup MX and by address, in one connection where it can', { timeout: 60_000 }, async () => {
    await using world = await start()
    const { server, postfix } = world
    await send(server, ['bob@postfix.test', 'bob@backup.test', 'bob@plain.test'], 'one message')
    for (const user of USERS) await eventually(() => postfix.messages(user).length === 1)
    await eventually(async () => (await server.service(queue).count({})) === 0)
    expect(postfix.messages('bob@postfix.test')[0]?.toString()).toContain('one message')
    expect(postfix.output()).not.toMatch(/lost connection after (?!CONNECT)/)
  })

  it('reports to the sender what cannot be delivered, with the words of the other server', {
    timeout: 60_000,
  }, async () => {
    await using world = await start()
    const { server, postfix } = world
    await send(server, ['nobody@postfix.test', 'bob@postfix.test'], 'half of it')
    await send(server, ['x@nomail.test', 'x@nowhere.postfix.test', 'x@loop.test'], 'nothing of it')
    await eventually(() => postfix.messages('bob@postfix.test').length === 1)
    const reports = await eventually(async () => {
      const found = await inbox(server, 'alice@example.test')
      return found.length === 4 && found
    })
    const text = reports.map(String)
    const unknown = text.find((report) => report.includes('nobody@postfix.test'))
    expect(unknown).toMatch(/^Return-Path: <>\r\n/)
    expect(unknown).toMatch(/^Status: 5\.1\.1\r$/m)
    expect(unknown).toMatch(/^Remote-MTA: dns; ?mx\.postfix\.test\r$/m)
    expect(unknown).toMatch(/550 5\.1\.1 <nobody@postfix\.test>/)
    expect(unknown).toContain('Subject: half of it')
    expect(unknown).not.toContain('bob@postfix.test>\r\n\r\n')
    expect(text.find((report) => report.includes('x@nomail.test'))).toMatch(/^Status: 5\.1\.10\r$/m)
    expect(text.find((report) => report.includes('x@nowhere.postfix.test'))).toMatch(/^Status: 5\.1\.2\r$/m)
    expect(text.find((report) => report.includes('x@loop.test'))).toMatch(/^Status: 5\.4\.6\r$/m)
    expect(await server.service(queue).count({})).toBe(0)
  })

  it('keeps a message while the other server is down, and delivers it once when it is up again', {
    timeout: 60_000,
  }, async () => {
    await using world = await start({ delaysMs: [300] })
    const { server, postfix } = world
    await postfix.stop()
    await send(server, ['bob@postfix.test'], 'patience')
    const entry = await eventually(async () => {
      const [found] = (await server.service(queue).list({})).entries
      return (found?.recipient.attempts ?? 0) > 0 && found
    })
    expect(entry.recipient.lastAttempt?.text).toContain('ECONNREFUSED')
    await postfix.start()
    await eventually(() => postfix.messages('bob@postfix.test').length > 0, 20_000)
    await eventually(async () => (await server.service(queue).count({})) === 0)
    expect(postfix.messages('bob@postfix.test')).toHaveLength(1)
    expect(await inbox(server, 'alice@example.test')).toHaveLength(0)
  })

  it('keeps a message while the DNS is down', { timeout: 60_000 }, async () => {
    await using world = await start({ delaysMs: [300] })
    const { server, postfix, dns } = world
    await dns.stop()
    await send(server, ['bob@postfix.test'], 'patience')
    const entry = await eventually(async () => {
      const [found] = (await server.service(queue).list({})).entries
      return (found?.recipient.attempts ?? 0) > 0 && found
    }, 20_000)
    expect(entry.recipient.lastAttempt?.status).toBe('4.4.3')
    expect(postfix.messages('bob@postfix.test')).toHaveLength(0)
    expect(await inbox(server, 'alice@example.test')).toHaveLength(0)
  })

  it('speaks TLS where Postfix offers it', { timeout: 60_000 }, async () => {
    using files = scratch('outbound-tls')
    const { cert, key } = certificateFor('mx.postfix.test')
    writeFileSync(join(files.path, 'both.pem'), `${key}${cert}`)
    await using world = await start(
      {},
      {
        smtpd_tls_chain_files: join(files.path, 'both.pem'),
        smtpd_tls_security_level: 'may',
        smtpd_tls_received_header: 'yes',
      },
    )
    await send(world.server, ['bob@postfix.test'], 'secret')
    await eventually(() => world.postfix.messages('bob@postfix.test').length === 1)
    expect(world.postfix.messages('bob@postfix.test')[0]?.toString()).toMatch(/using TLSv1\.3/)
  })

  it('hands over real messages so that their bodies arrive byte for byte', { timeout: 120_000 }, async ({ skip }) => {
    if (!existsSync(DATA)) skip('there are no real messages here')
    await using world = await start()
    const { server, postfix } = world
    const files = readdirSync(DATA, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
      .filter(isPlain)
    const bodies = files.map((bytes) => Buffer.from(bytes.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1'))
    for (const body of bodies) await deliver(server, ['bob@postfix.test'], body)
    await eventually(() => postfix.messages('bob@postfix.test').length === bodies.length, 60_000)
    const arrived = new Set(postfix.messages('bob@postfix.test').map((message) => bodyOf(message.toString('latin1'))))
    const missing = bodies.filter((body) => !arrived.has(bodyOf(body.toString('latin1').replaceAll('\r\n', '\n'))))
    expect(bodies.length).toBeGreaterThan(20)
    expect(missing.map((body) => body.subarray(0, 200).toString('latin1'))).toEqual([])
  })
})

/** Postfix itself changes lines above 998 octets and NUL: those messages prove nothing of us. */
function isPlain(bytes: Buffer): boolean {
  const text = bytes.toString('latin1')
  return (
    !text.includes('\0') &&
    !/\r(?!\n)/.test(text) &&
    text.endsWith('\n') &&
    /^[!-9;-~]+:/.test(text) &&
    text.split(/\r?\n/).every((line) => line.length <= 998)
  )
}

const bodyOf = (text: string) => text.slice(text.indexOf('\n\n') + 2)

interface World extends AsyncDisposable {
  readonly server: TestServer
  readonly postfix: Postfix
  readonly dns: Awaited<ReturnType<typeof startDnsServer>>
}

async function start(schedule = {}, mainCf: Record<string, string> = {}): Promise<World> {
  const port = await freePort()
  const dns = await startDnsServer(ZONES)
  const postfix = await startPostfix({ hostname: 'mx.postfix.test', port, users: USERS, mainCf })
  const server = await startTestServer({
    plugins: [outbound({ port, allowLoopback: true, deadHost: 100 })],
    dnsServers: [dns.address],
    queue: schedule,
  })
  return {
    server,
    postfix,
    dns,
    async [Symbol.asyncDispose]() {
      await server.stop()
      await postfix[Symbol.asyncDispose]()
      await dns[Symbol.asyncDispose]()
    },
  }
}

const send = (server: TestServer, to: readonly string[], subject: string) =>
  deliver(server, to, Buffer.from(`From: alice@example.test\r\nSubject: ${subject}\r\n\r\nHello.\r\n`))

async function deliver(server: TestServer, to: readonly string[], message: Buffer) {
  const receipt = await server.service(intake).inject(
    {
      sender: address('alice@example.test'),
      recipients: to.map((text) => ({ address: address(text) })),
      smtpUtf8: false,
      eightBit: message.some((octet) => octet > 0x7f),
      requireTls: false,
    },
    message,
  )
  expect(receipt.answer).toMatchObject({ ok: true })
}

async function inbox(server: TestServer, user: string): Promise<Buffer[]> {
  const store = server.service(mailStore)
  const account = await server.service(directory).accountByAddress(address(user))
  if (account === undefined) throw new Error(`there is no ${user}`)
  const { id } = await store.mailbox(account.id, 'INBOX')
  const messages: Buffer[] = []
  for await (const batch of store.states(account.id, id)) {
    for (const { uid } of batch) messages.push(await store.read(account.id, id, uid))
  }
  return messages
}
