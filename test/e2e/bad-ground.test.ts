import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually, scratch } from '../support/peer.ts'
import { ServerProcess } from '../support/server-process.ts'
import { SmtpDialog } from '../support/smtp-dialog.ts'

const isRoot = process.getuid?.() === 0
const mounted: string[] = []
/** What is in the log waits for room for ten seconds before it is refused. */
const REPLY_MS = 20_000

afterEach(() => {
  for (const path of mounted.splice(0)) execFileSync('umount', ['-l', path])
})

async function deliver(port: number, subject: string, bytes: number): Promise<string> {
  await using dialog = await SmtpDialog.connect(port)
  await dialog.expect(220)
  await dialog.command('EHLO client.example.net', 250)
  await dialog.command('MAIL FROM:<carol@example.net>', 250)
  const rcpt = await dialog.command('RCPT TO:<alice@example.test>')
  if (!rcpt.startsWith('250')) return rcpt
  await dialog.command('DATA', 354)
  dialog.send(`Subject: ${subject}\r\n\r\n`)
  const line = `${'x'.repeat(70)}\r\n`
  dialog.send(line.repeat(Math.ceil(bytes / line.length)))
  dialog.send('.\r\n')
  return await dialog.expect(undefined, REPLY_MS)
}

/** A small file system of its own. */
function tmpfs(size: string): string {
  const place = scratch('tmpfs')
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', place.path])
  mounted.push(place.path)
  return place.path
}

describe.skipIf(!isRoot)('a full disk (needs root, to mount a tmpfs)', () => {
  it('refuses new mail for now, keeps what it promised, and takes mail again when there is room', async () => {
    const disk = tmpfs('192m')
    const dataDir = join(disk, 'data')
    await using server = await ServerProcess.create({ dataDir })
    await server.start()
    expect(await deliver(server.ports.smtp, 'before', 1000)).toMatch(/^250 /)

    const ballast = join(disk, 'ballast')
    try {
      writeFileSync(ballast, Buffer.alloc(256 * 1024 ** 2))
    } catch {
      // Written until nothing is left: that is the point.
    }
    const refused = await deliver(server.ports.smtp, 'during', 100_000)
    expect(refused).toMatch(/^(?:452 4\.3\.1|451 4\.3\.\d)/)
    const { stdout } = await server.command('status', '--json')
    expect(JSON.parse(stdout)).toBeTruthy()

    execFileSync('rm', [ballast])
    let answer = ''
    for (let turn = 0; turn < 40 && !answer.startsWith('250'); turn++) {
      answer = await deliver(server.ports.smtp, 'after', 100_000)
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    expect(answer).toMatch(/^250 /)

    await server.end('SIGKILL')
    await server.start()
    const login = Buffer.from(`\0alice@example.test\0${server.password('alice@example.test')}`).toString('base64')
    await using imap = await SmtpDialog.connect(server.ports.imaps, { tls: true })
    imap.send(`a AUTHENTICATE PLAIN ${login}\r\nb STATUS INBOX (MESSAGES)\r\nc LOGOUT\r\n`)
    await imap.closed()
    expect(imap.received).toMatch(/STATUS "?INBOX"? \(MESSAGES 2\)/)
  }, 60_000)
})

describe.skipIf(!isRoot)('a disk that is full to the last octet (needs root, to mount a tmpfs)', () => {
  it('stops the store, which is opened anew by itself once there is room, with all that was promised', async () => {
    const disk = tmpfs('64m')
    await using server = await ServerProcess.create({
      dataDir: join(disk, 'data'),
      level: "{ reserve: '4 KB', writeBufferSize: '100 KB' }",
    })
    await server.start()
    const ballast = join(disk, 'ballast')
    const { bavail, bsize } = statfsSync(disk)
    writeFileSync(ballast, Buffer.alloc(bavail * bsize - 300_000))
    let promised = 0
    for (let answer = '250'; answer.startsWith('250'); promised += Number(answer.startsWith('250'))) {
      answer = await deliver(server.ports.smtp, 'as long as there is room', 1_000)
    }
    // What is left is taken by somebody else, and LevelDB finds none when it writes a table.
    appendFileSync(ballast, Buffer.alloc(statfsSync(disk).bavail * bsize))
    await eventually(async () => {
      const answer = await deliver(server.ports.smtp, 'too late', 500)
      expect(answer).toMatch(/^45[0-9] /)
      return server.output.includes('the store takes nothing more until it is opened anew')
    }, 30_000)

    rmSync(ballast)
    await eventually(() => server.output.includes('started again'), 30_000)
    expect(await deliver(server.ports.smtp, 'after', 1_000)).toMatch(/^250 /)
    const login = Buffer.from(`\0alice@example.test\0${server.password('alice@example.test')}`).toString('base64')
    await using imap = await SmtpDialog.connect(server.ports.imaps, { tls: true })
    imap.send(`a AUTHENTICATE PLAIN ${login}\r\nb STATUS INBOX (MESSAGES)\r\nc LOGOUT\r\n`)
    await imap.closed()
    const stored = Number(/STATUS "?INBOX"? \(MESSAGES (\d+)\)/.exec(imap.received)?.[1])
    // One whose refusal was sent may be there as well: it was in the log, and nobody could say so.
    expect(stored).toBeGreaterThanOrEqual(promised + 1)
    const { code } = await server.command('store', 'verify')
    expect(code).toBe(0)
  }, 120_000)
})

describe.skipIf(!isRoot)('a disk that is full from the start (needs root, to mount a tmpfs)', () => {
  it('is named, with what to do', async () => {
    const disk = tmpfs('16m')
    await using server = await ServerProcess.create({ dataDir: join(disk, 'data') })
    const { code, stderr } = await server.command('start')
    expect(code).toBe(1)
    expect(stderr).toContain(disk)
    expect(stderr).toContain('Make room on that disk')
  })
})

describe('ground that a server cannot stand on', () => {
  it('names a port that is in use, and what to do', async () => {
    await using server = await ServerProcess.create()
    const squatter = createServer().listen(server.ports.imap, '127.0.0.1')
    await once(squatter, 'listening')
    try {
      const { code, stdout, stderr } = await server.command('start')
      expect(code).toBe(1)
      expect(stdout + stderr).toContain(String(server.ports.imap))
      expect(stdout + stderr).toMatch(/in use/i)
    } finally {
      squatter.close()
    }
  })

  it('names a data directory that it may not write', async () => {
    // Root may write everywhere but on a read-only file system.
    const path = isRoot ? tmpfs('1m,ro') : scratch('forbidden').path
    if (!isRoot) chmodSync(path, 0o500)
    await using server = await ServerProcess.create({ dataDir: join(path, 'data') })
    const { code, stderr } = await server.command('start')
    expect(code).toBe(1)
    expect(stderr).toContain(path)
  })

  it('names a data directory that is a file', async () => {
    const place = scratch('file')
    const file = join(place.path, 'data')
    writeFileSync(file, 'not a directory')
    await using server = await ServerProcess.create({ dataDir: file })
    const { code, stderr } = await server.command('start')
    expect(code).toBe(1)
    expect(stderr).toContain(file)
    place[Symbol.dispose]()
  })

  it('refuses a second server on the same data, in plain words', async () => {
    await using server = await ServerProcess.create()
    await server.start()
    const { code, stderr } = await server.command('start')
    expect(code).toBe(1)
    expect(stderr).toMatch(/already/i)
    expect(stderr).toContain(String(server.pid))
  })

  it('lists every mistake of a config with its path, and exits with 78', async () => {
    await using server = await ServerProcess.create({
      more: "workers: 'many', limits: { messageSize: 'huge' }, accounts: ['nobody'],\n",
    })
    const { code, stderr } = await server.command('start')
    expect(code).toBe(78)
    for (const path of ['workers', 'limits.messageSize', 'accounts[0]']) expect(stderr).toContain(path)
    expect(stderr).toContain('mailserver.config.ts')
  })

  it('names the place of damage in the store, and serves the rest', async () => {
    await using server = await ServerProcess.create()
    await server.start()
    for (const subject of ['first', 'second', 'third']) {
      expect(await deliver(server.ports.smtp, subject, 2000)).toMatch(/^250 /)
    }
    expect(await server.end('SIGTERM')).toBe(0)

    const log = join(server.dataDir, 'store', 'log')
    mkdirSync(log, { recursive: true })
    let isFlipped = false
    for (const name of readdirSync(log)) {
      const path = join(log, name)
      const bytes = readFileSync(path)
      const at = bytes.indexOf('Subject: second')
      if (at < 0) continue
      bytes[at + 200] = (bytes[at + 200] as number) ^ 1
      writeFileSync(path, bytes)
      isFlipped = true
    }
    expect(isFlipped).toBe(true)

    await server.start()
    const login = Buffer.from(`\0alice@example.test\0${server.password('alice@example.test')}`).toString('base64')
    await using imap = await SmtpDialog.connect(server.ports.imaps, { tls: true })
    imap.send(
      `a AUTHENTICATE PLAIN ${login}\r\nb SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\nd FETCH 2 BODY.PEEK[]\r\ne FETCH 3 BODY.PEEK[]\r\nf LOGOUT\r\n`,
    )
    await imap.closed()
    expect(imap.received).toContain('Subject: first')
    expect(imap.received).toMatch(/^d NO /m)
    expect(imap.received).toContain('Subject: third')
    expect(imap.received).toMatch(/^e OK /m)
    expect(server.output).toMatch(/damaged|checksum|corrupt/i)
  })
})
