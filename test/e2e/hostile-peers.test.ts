import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ServerProcess } from '../support/server-process.ts'
import { SmtpDialog } from '../support/smtp-dialog.ts'

let server: ServerProcess

beforeAll(async () => {
  server = await ServerProcess.create()
  await server.start()
})

afterAll(async () => {
  // Whatever was done to it: it is the same process, and it ends in order.
  expect(await server.end('SIGTERM')).toBe(0)
  await server[Symbol.asyncDispose]()
})

/** Resident memory of the server, in octets. */
function residentBytes(): number {
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

async function greets(port: number, greeting: RegExp): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  expect(chunk.toString()).toMatch(greeting)
  socket.destroy()
}

const plain = [
  ['smtp', /^220 /],
  ['submission', /^220 /],
  ['imap', /^\* OK /],
  ['pop3', /^\+OK /],
] as const

/** Connects, and swallows whatever becomes of the connection. */
function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.setMaxListeners(0)
  socket.on('error', () => {
    // Refused or reset: the server defends itself.
  })
  return socket
}

/** Writes, when the server has not closed meanwhile. */
function write(socket: Socket, bytes: string | Buffer): void {
  if (socket.writable) socket.write(bytes)
}

describe.each(plain)('%s', (protocol, greeting) => {
  const port = () => server.ports[protocol]

  it('bears a thousand connections at once, and serves the next one when they have gone', async () => {
    const sockets = Array.from({ length: 1000 }, () => open(port()))
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => setTimeout(resolve, 300))
    await greets(port(), greeting)
  }, 30_000)

  it('answers binary noise, or closes, and goes on', async () => {
    for (let turn = 0; turn < 20; turn++) {
      const socket = open(port())
      const ended = once(socket, 'close')
      socket.resume()
      write(socket, randomBytes(64 * 1024))
      socket.end('\r\nQUIT\r\n')
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 500))])
      socket.destroy()
    }
    await greets(port(), greeting)
  }, 30_000)

  it('gives up on a line without end, in bounded memory', async () => {
    const before = residentBytes()
    const socket = open(port())
    socket.resume()
    const line = Buffer.alloc(1024 * 1024, 'x')
    for (let turn = 0; turn < 500 && socket.writable; turn++) {
      if (!socket.write(line)) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
    }
    socket.destroy()
    // Far below what was sent, above what a garbage collector leaves lying about.
    expect(residentBytes() - before).toBeLessThan(200 * 1024 ** 2)
    await greets(port(), greeting)
  }, 30_000)

  it('outlives peers that vanish in the middle of a command', async () => {
    for (const words of [
      '',
      'E',
      'EHLO x\r\nMAIL FROM:<',
      'a LOGIN {10}\r\nabc',
      'USER alice\r\nPA',
      'a AUTHENTICATE PLAIN\r\n',
    ]) {
      const socket = open(port())
      await once(socket, 'connect')
      write(socket, words)
      await new Promise((resolve) => setTimeout(resolve, 20))
      socket.resetAndDestroy()
    }
    await greets(port(), greeting)
  })
})

it('reads no octet of a literal of 4 GB', async () => {
  await using dialog = await SmtpDialog.connect(server.ports.imap)
  dialog.send('a LOGIN {4294967296}\r\n')
  await dialog.until(/^a (?:BAD|NO) |^\* BYE /m)
  await using nonsynchronizing = await SmtpDialog.connect(server.ports.imap)
  nonsynchronizing.send('a LOGIN {4294967296+}\r\nxxxx')
  await nonsynchronizing.until(/^a (?:BAD|NO) |^\* BYE /m)
})

it('keeps a message of a peer that vanished in DATA away from the mailbox', async () => {
  const dialog = await SmtpDialog.connect(server.ports.smtp)
  await dialog.expect(220)
  await dialog.command('EHLO client.example.net', 250)
  await dialog.command('MAIL FROM:<carol@example.net>', 250)
  await dialog.command('RCPT TO:<alice@example.test>', 250)
  await dialog.command('DATA', 354)
  dialog.send(`Subject: half\r\n\r\n${'half a message\r\n'.repeat(10_000)}`)
  await new Promise((resolve) => setTimeout(resolve, 100))
  dialog.destroy()
  const login = Buffer.from(`\0alice@example.test\0${server.password('alice@example.test')}`).toString('base64')
  await using imap = await SmtpDialog.connect(server.ports.imaps, { tls: true })
  imap.send(`a AUTHENTICATE PLAIN ${login}\r\nb STATUS INBOX (MESSAGES)\r\nc LOGOUT\r\n`)
  await imap.until(/MESSAGES 0/)
})

it('streams a large message in bounded memory', async () => {
  const before = residentBytes()
  await using dialog = await SmtpDialog.connect(server.ports.smtp)
  await dialog.expect(220)
  await dialog.command('EHLO client.example.net', 250)
  await dialog.command('MAIL FROM:<carol@example.net>', 250)
  await dialog.command('RCPT TO:<alice@example.test>', 250)
  await dialog.command('DATA', 354)
  dialog.send('Subject: large\r\n\r\n')
  const block = Buffer.from(`${'x'.repeat(70)}\r\n`.repeat(14_000))
  for (let turn = 0; turn < 45; turn++) await dialog.sendAll(block)
  expect(residentBytes() - before).toBeLessThan(120 * 1024 ** 2)
  expect(await dialog.command('.')).toMatch(/^250 /)
}, 60_000)
