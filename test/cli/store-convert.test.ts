import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AccountId, blobStore, directory, indexMessage, mailStore, parseAddress } from 'mailserver'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { level } from '../../plugins/level/index.ts'
import { maildir } from '../../plugins/maildir/index.ts'
import { takeLockOf } from '../../src/server/data-directory.ts'
import { run } from '../support/peer.ts'
import { configDirectory } from '../support/server-process.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const MESSAGES = 120
/** Times that each way is killed; CONVERT_KILLS=50 for a long walk. */
const KILLS = Number(process.env.CONVERT_KILLS ?? 3)

let home: string
const data = () => join(home, 'data')
const mail = () => join(home, 'mail')

beforeEach(() => {
  home = configDirectory('convert')
  mkdirSync(data())
  writeFileSync(
    join(home, 'mailserver.config.ts'),
    `import { defineConfig } from 'mailserver'
import { level } from 'mailserver/plugins/level'
import { maildir } from 'mailserver/plugins/maildir'

export default defineConfig({
  hostname: 'mail.example.test',
  domains: ['example.test'],
  dataDir: ${JSON.stringify(data())},
  plugins: [level(), maildir({ path: ${JSON.stringify(join(mail(), '%n'))} })],
  accounts: ['alice@example.test', 'bob@example.test'],
})
`,
  )
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const args = (...more: string[]) => [
  '--conditions=source',
  join(root, 'bin/run.js'),
  'store',
  'convert',
  ...more,
  '--config',
  join(home, 'mailserver.config.ts'),
]
const convert = (from: string, to: string, ...more: string[]) =>
  run(process.execPath, args('--from', from, '--to', to, ...more), { timeoutMs: 60_000 })

const start = (isMirrored: boolean) =>
  startTestServer({
    dataDir: data(),
    storage: level(),
    plugins: isMirrored ? maildir({ path: join(mail(), '%n') }) : [],
  })

async function accountOf(server: TestServer): Promise<AccountId> {
  const address = parseAddress('alice@example.test')
  const found = address && (await server.service(directory).accountByAddress(address))
  return found?.id as AccountId
}

async function fill(server: TestServer): Promise<void> {
  const store = server.service(mailStore)
  const account = await accountOf(server)
  const inbox = await store.mailbox(account, 'INBOX')
  const deep = await store.createMailbox(account, 'Entwürfe/Zwei')
  for (let at = 0; at < MESSAGES; at++) {
    const octets = Buffer.from(
      `Subject: ${at}\r\n\r\n${at % 7 === 0 ? 'bare\nlf' : 'line'}\r\n${'x'.repeat(at * 10)}\r\n`,
    )
    const blob = await server.service(blobStore).write(octets)
    const flags = at % 3 === 0 ? ['\\Seen', 'Kept'] : at % 5 === 0 ? ['\\Flagged'] : []
    const message = { blob, index: indexMessage(octets), flags, internalDate: Date.UTC(2026, 0, 1, 0, at) }
    await store.append(account, at % 4 === 0 ? deep.id : inbox.id, [message])
  }
  await store.expunge(account, inbox.id, [2, 3, 90])
  await store.setSubscribed(account, 'Entwürfe/Zwei', true)
  await store.setSubscribed(account, 'Archive', false)
}

/** All that a client could see of the account. */
async function view(server: TestServer) {
  const store = server.service(mailStore)
  const account = await accountOf(server)
  const all: unknown[] = [...(await store.subscriptions(account))]
  for (const { id, name, uidValidity } of await store.mailboxes(account)) {
    const { uidNext } = await store.status(account, id)
    all.push([name, uidValidity, uidNext])
    for await (const states of store.states(account, id)) {
      for (const { uid, flags, internalDate, size } of states) {
        all.push([name, uid, flags, internalDate, size, (await store.read(account, id, uid)).toString('latin1')])
      }
    }
  }
  return all
}

async function viewOf(isMirrored: boolean, before?: (server: TestServer) => Promise<void>): Promise<unknown> {
  await using server = await start(isMirrored)
  await before?.(server)
  return await view(server)
}

const files = () =>
  readdirSync(mail(), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\/(?:cur|new)\//.test(name))
    .sort()

const datesOfFiles = () =>
  files()
    .map((name) => statSync(join(mail(), name)).mtimeMs)
    .sort()
const datesIn = (seen: unknown) =>
  (seen as unknown[])
    .filter((one) => Array.isArray(one) && one.length > 3)
    .map((one) => (one as unknown[])[3])
    .sort()

describe('store convert', () => {
  it('brings messages out of their Maildirs and leaves those alone', { timeout: 60_000 }, async () => {
    const before = await viewOf(true, fill)
    const there = files()
    expect(there).toHaveLength(MESSAGES - 3)
    const done = await convert('maildir', 'level', '--json')
    expect(done.code, done.stderr + done.stdout).toBe(0)
    expect(JSON.parse(done.stdout)).toMatchObject({
      from: 'maildir',
      to: 'level',
      messages: MESSAGES - 3,
      verified: true,
    })
    expect(JSON.parse(done.stdout).originals).toContain(join(mail(), 'alice'))
    expect(files()).toEqual(there)
    expect(await viewOf(false)).toEqual(before)
    // With the plugin still in the config the files would come in as new mail.
    await expect(start(true)).rejects.toThrow(/brought out of their Maildirs/)
    const back = await convert('level', 'maildir')
    expect([back.code, back.stderr]).toEqual([1, expect.stringContaining('There are messages already in')])
    expect(await viewOf(false)).toEqual(before)
  })

  it('puts messages into Maildirs, and goes on after it was killed, again and again', {
    timeout: 120_000,
  }, async () => {
    const before = await viewOf(false, fill)
    for (const afterMs of [700, 900, 1_100]) {
      const child = spawn(process.execPath, args('--from', 'level', '--to', 'maildir'), { stdio: 'ignore' })
      setTimeout(() => child.kill('SIGKILL'), afterMs)
      await once(child, 'exit')
    }
    const done = await convert('level', 'maildir')
    expect(done.code, done.stderr).toBe(0)
    expect(done.stdout).toContain(`Moved ${MESSAGES - 3} messages of 2 accounts to maildir. All of them are equal.`)
    expect(await viewOf(true)).toEqual(before)
    expect(files()).toHaveLength(MESSAGES - 3)
    await expect(start(false)).rejects.toThrow(/in Maildir files, and no plugin/)
    const removed = await convert('level', 'maildir', '--remove-originals', '--json')
    expect(JSON.parse(removed.stdout)).toEqual({ removed: MESSAGES - 3 })
    expect(await viewOf(true)).toEqual(before)
  })

  it('goes on out of Maildirs after it was killed, and finds what somebody has changed', {
    timeout: 120_000,
  }, async () => {
    const before = await viewOf(true, fill)
    for (const afterMs of [700, 900, 1_100]) {
      const child = spawn(process.execPath, args('--from', 'maildir', '--to', 'level'), { stdio: 'ignore' })
      setTimeout(() => child.kill('SIGKILL'), afterMs)
      await once(child, 'exit')
    }
    cpSync(mail(), `${mail()}.copy`, { recursive: true, preserveTimestamps: true })
    const victim = files().find((name) => statSync(join(mail(), name)).size > 500) as string
    const done = await convert('maildir', 'level')
    expect(done.code, done.stderr).toBe(0)
    writeFileSync(join(mail(), victim), 'Subject: changed\n\nother\n')
    const again = await convert('maildir', 'level')
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('has other octets')])
    rmSync(mail(), { recursive: true })
    renameSync(`${mail()}.copy`, mail())
    expect((await convert('maildir', 'level')).code).toBe(0)
    expect(await viewOf(false)).toEqual(before)
  })

  it('comes back equal from Maildirs, whatever the moments at which it was killed on either way', {
    timeout: 60_000 + KILLS * 10_000,
  }, async () => {
    const before = await viewOf(false, fill)
    const moments: number[] = []
    for (const [from, to] of [
      ['level', 'maildir'],
      ['maildir', 'level'],
    ] as const) {
      for (let kill = 0; kill < KILLS; kill++) {
        const child = spawn(process.execPath, args('--from', from, '--to', to), { stdio: 'ignore' })
        const moment = 300 + Math.floor(Math.random() * 1_200)
        moments.push(moment)
        setTimeout(() => child.kill('SIGKILL'), moment)
        await once(child, 'exit')
      }
      const done = await convert(from, to)
      expect(done.code, `${done.stderr} after ${moments}`).toBe(0)
      expect(await viewOf(to === 'maildir'), `${to} after ${moments}`).toEqual(before)
      if (to === 'maildir') expect(datesOfFiles(), `files after ${moments}`).toEqual(datesIn(before))
    }
  })

  it('refuses while the server runs, and names that it does not know', async () => {
    const lock = await takeLockOf(data(), 'server', 0)
    const running = await convert('level', 'maildir')
    expect([running.code, running.stderr]).toEqual([1, expect.stringContaining('cannot be converted meanwhile')])
    if ('release' in lock) lock.release()
    const unknown = await convert('level', 'postgres')
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('no plugins level and postgres')])
  })
})
