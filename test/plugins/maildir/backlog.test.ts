import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AccountId,
  type Address,
  codeOf,
  directory as directoryService,
  engine,
  indexMessage,
  type Log,
  parseAddress,
} from 'mailserver'
import { memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Backlog } from '../../../plugins/maildir/backlog.ts'
import { maildir } from '../../../plugins/maildir/index.ts'
import { smtp } from '../../../plugins/smtp/index.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { collectStats } from '../../../src/store/stats/collect-stats.ts'
import { eventually, scratch } from '../../support/peer.ts'
import { SmtpDialog } from '../../support/smtp-dialog.ts'
import { startTestServer } from '../../support/test-server.ts'
import { audit, messageFiles } from './audit.ts'
import { type OpenedMaildir, openMaildir } from './open-maildir.ts'
import { ACCOUNTS, octetsOf, type Tracked, WHOLE } from './traffic.ts'

const [alice, bob] = ACCOUNTS as [AccountId, AccountId]
const isRoot = process.getuid?.() === 0
const MB = 1024 * 1024

let directory: ReturnType<typeof scratch>
let mail: OpenedMaildir
let tracked: Tracked[]
let named: number
let told: { code: unknown; path: unknown }[]

const log: Log = {
  ...silentLog,
  error: (fields: object) => void told.push(fields as (typeof told)[number]),
  child: () => log,
} as Log

async function open(path: string, limits: { bytes: number; operations: number }): Promise<void> {
  mail = await openMaildir({ engine: memoryEngine(), blobs: memoryBlobStore(), path, limits, log })
  for (const account of ACCOUNTS) {
    await mail.store.createAccount(account)
    await mail.keeper.settle(account)
  }
}

async function deliver(account: AccountId, size = 100): Promise<number> {
  const name = `m${named++}`
  const octets = octetsOf(name, size)
  const { id } = await mail.store.mailbox(account, 'INBOX')
  const blob = await mail.blobs.write(octets)
  const [appended] = await mail.store.append(account, id, [
    { blob, index: indexMessage(octets), flags: [], internalDate: 0 },
  ])
  const uid = appended?.uid as number
  tracked.push({ account, name, internalDate: 0, min: 1, max: 1, uid, isFlagged: false })
  return uid
}

/** Delivers until a message is refused. */
async function fillUp(account: AccountId, size = 100): Promise<{ code: string; taken: number }> {
  for (let taken = 0; ; taken++) {
    try {
      await deliver(account, size)
      // As mail comes: the keeper learns that it cannot write.
      await sleep(5)
    } catch (error) {
      return { code: codeOf(error), taken }
    }
  }
}

/** What stands in the way of writing to an account's Maildir: a file where its `tmp` should be. */
function block(account: AccountId): () => void {
  const tmp = join(mail.root(account), 'tmp')
  rmSync(tmp, { recursive: true })
  writeFileSync(tmp, 'in the way')
  return () => {
    rmSync(tmp)
    mkdirSync(tmp)
  }
}

const settled = () => eventually(() => mail.mirror.backlog.total.operations === 0, 20_000)

beforeEach(() => {
  directory = scratch('maildir-backlog')
  tracked = []
  named = 0
  told = []
})
afterEach(async () => {
  await mail?.close()
  directory[Symbol.dispose]()
})

describe('mail that waits to be written', () => {
  it('is refused for a time beyond the share of its account, while others get theirs, and is written later', async () => {
    await open(directory.path, { bytes: 1e9, operations: 200 })
    const clear = block(alice)
    const { code, taken } = await fillUp(alice)
    expect(code).toBe('UNAVAILABLE')
    expect(taken).toBe(20)
    for (let at = 0; at < 40; at++) await deliver(bob)
    // What waits is there for people, who may flag and delete it.
    const { id } = await mail.store.mailbox(alice, 'INBOX')
    expect((await mail.store.read(alice, id, 1)).toString()).toContain('body of m0')
    await mail.store.setFlags(alice, id, [2], { mode: 'add', flags: ['\\Seen'] })
    await mail.store.expunge(alice, id, [1])
    Object.assign(tracked[0] as Tracked, { min: 0, max: 0, uid: undefined })
    await expect(mail.store.copy(alice, id, [2], id)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await eventually(() => told.length > 0)
    expect(told[0]).toMatchObject({ account: alice, path: mail.root(alice) })
    clear()
    await settled()
    await deliver(alice)
    for (const account of ACCOUNTS) await mail.keeper.settle(account)
    expect(await audit(mail, tracked)).toEqual([])
  })

  it('is bounded in octets as well', async () => {
    await open(directory.path, { bytes: 1_000_000, operations: 1e6 })
    const clear = block(alice)
    expect((await fillUp(alice, 30_000)).taken).toBe(4)
    clear()
    await settled()
    await deliver(alice, 30_000)
  })

  it('is bounded for changes of what is there, too, and never for what takes away', async () => {
    await open(directory.path, { bytes: 1e9, operations: 100 })
    for (let at = 0; at < 5; at++) await deliver(alice)
    await mail.keeper.settle(alice)
    const clear = block(alice)
    await fillUp(alice)
    const { id } = await mail.store.mailbox(alice, 'INBOX')
    const flag = (at: number) =>
      mail.store.setFlags(alice, id, [1], { mode: at % 2 ? 'add' : 'remove', flags: ['\\Answered'] })
    const flagged = async () => {
      for (let at = 1; at < 100; at++) await flag(at)
    }
    await expect(flagged()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect((await mail.mirrored.load(alice)).operations).toBe(20)
    for (const one of tracked.splice(0)) await mail.store.expunge(alice, id, [one.uid as number])
    await mail.store.deleteMailbox(alice, 'Trash')
    clear()
    await settled()
    await deliver(alice)
    await mail.keeper.settle(alice)
    expect(messageFiles(mail.root(alice))).toHaveLength(1)
  })

  it('is counted over all workers, and known to one that comes later', async () => {
    await open(directory.path, { bytes: 1e9, operations: 100 })
    const clear = block(alice)
    await fillUp(alice)
    await eventually(() => told.length > 0)
    const { engine, blobs } = mail
    await using other = await openMaildir({
      engine,
      blobs,
      path: directory.path,
      limits: { bytes: 1e9, operations: 100 },
      withoutKeeper: true,
    })
    await eventually(() => other.mirror.backlog.total.operations === 10)
    expect(() => other.mirror.backlog.admit(alice, 'message')).toThrow(/wait to be written/)
    other.mirror.backlog.admit(bob, 'message')
    clear()
    await settled()
    other.mirror.backlog.admit(alice, 'message')
  })

  it('is bounded when nobody writes at all, and written by the keeper that comes', async () => {
    const [engine, blobs] = [memoryEngine(), memoryBlobStore()]
    const limits = { bytes: 1e9, operations: 300 }
    mail = await openMaildir({ engine, blobs, path: directory.path, limits, withoutKeeper: true })
    // An account's mailboxes are to be made, too.
    for (const account of ACCOUNTS) await mail.store.createAccount(account)
    // They wait a while for others to be written before it is too much.
    const answers = await Promise.all(
      Array.from({ length: 60 }, () =>
        deliver(alice).then(
          () => 'taken',
          (error) => codeOf(error),
        ),
      ),
    )
    expect(answers).toContain('UNAVAILABLE')
    const { operations } = await mail.mirrored.load(alice)
    expect(operations).toBeGreaterThan(25)
    expect(operations).toBeLessThan(60)
    await mail.keeper.start()
    await settled()
    await deliver(alice)
    for (const account of ACCOUNTS) await mail.keeper.settle(account)
    expect(await audit(mail, tracked)).toEqual([])
  }, 40_000)
})

describe('mail that waits, and is read', () => {
  it('costs a look at what waits now and then, and not for each message', async () => {
    await open(directory.path, { bytes: 1e9, operations: 1e6 })
    const clear = block(alice)
    for (let at = 0; at < 300; at++) await deliver(alice)
    const scan = vi.spyOn(mail.engine, 'scan')
    const { id } = await mail.store.mailbox(alice, 'INBOX')
    for (let uid = 1; uid <= 300; uid++) {
      expect((await mail.store.read(alice, id, uid)).toString()).toContain(`body of m${uid - 1}\r\n`)
    }
    const ofJournal = scan.mock.calls.filter(([range]) => String(range.gte ?? range.gt).includes('mail-mirror'))
    expect(ofJournal.length).toBeLessThan(40)
    scan.mockRestore()
    clear()
    await settled()
  })
})

describe('what waits of all accounts together', () => {
  const accountOf = (at: number) => `account ${at}` as AccountId

  it('is bounded: then nobody is given more, and the reason is that of one that cannot be written', () => {
    const backlog = new Backlog({ bytes: 1_000, operations: 100 })
    for (let at = 0; at < 11; at++) backlog.add(accountOf(at), { operations: 9, bytes: 10 })
    backlog.admit(accountOf(50), 'message')
    backlog.set(accountOf(3), { operations: 10, bytes: 10, code: 'STORE_FULL' })
    expect(() => backlog.admit(accountOf(50), 'message')).toThrow(expect.objectContaining({ code: 'STORE_FULL' }))
    backlog.admit(accountOf(50), 'change')
    expect(backlog).toMatchObject({ total: { operations: 100, bytes: 110 }, failing: 1 })
    backlog.add(accountOf(3), { operations: -10, bytes: -10 })
    backlog.admit(accountOf(50), 'message')
    expect(backlog.failing).toBe(0)
    backlog.add(accountOf(4), { operations: 1, bytes: 950 })
    expect(() => backlog.admit(accountOf(50), 'message')).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
    backlog.clear()
    backlog.admit(accountOf(4), 'message')
  })
})

describe.skipIf(!isRoot)('a small disk under the Maildirs that fills up (needs root, to mount one)', () => {
  it('has its mail wait up to the bound, then refuses more, and takes all once there is room', async () => {
    const disk = join(directory.path, 'disk')
    mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${4 * MB}`, 'mailserver-test', disk])
    try {
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(2 * MB))
      await open(join(disk, 'mail'), { bytes: 10 * MB, operations: 10_000 })
      const { code, taken } = await fillUp(alice, 20_000)
      expect(code).toBe('STORE_FULL')
      expect(taken * 20_000).toBeGreaterThan(2 * MB)
      // As much as there is room for has been written, and whole.
      const written = messageFiles(mail.root(alice))
      expect(written.length * 20_000).toBeGreaterThan(MB)
      for (const file of written) expect(readFileSync(file, 'latin1')).toMatch(WHOLE)
      expect(told.some((fields) => fields.code === 'STORE_FULL' && fields.path === mail.root(alice))).toBe(true)
      rmSync(join(disk, 'ballast'))
      await settled()
      for (let at = 0; at < 5; at++) await deliver(alice, 100)
      for (const account of ACCOUNTS) await mail.keeper.settle(account)
      expect(await audit(mail, tracked)).toEqual([])
      await mail.close()
    } finally {
      execFileSync('umount', ['-l', disk])
    }
  })
})

describe('a server whose Maildirs cannot be written', () => {
  it('answers 4xx by SMTP, tells what waits, and takes mail again by itself', async () => {
    await using server = await startTestServer({
      plugins: [
        ...maildir({ path: join(directory.path, 'mail/%n'), maxWaitingMessages: 1_000 }),
        smtp({ listen: ['127.0.0.1:0'] }),
      ],
    })
    const root = join(directory.path, 'mail/alice')
    const send = async (): Promise<string> => {
      await using dialog = await SmtpDialog.connect(server.port('smtp'))
      await dialog.expect(220)
      await dialog.command('EHLO client.example.test', 250)
      await dialog.command('MAIL FROM:<a@example.org>', 250)
      await dialog.command('RCPT TO:<alice@example.test>', 250)
      await dialog.command('DATA', 354)
      return await dialog.command('Subject: x\r\n\r\nhello\r\n.')
    }
    expect(await send()).toMatch(/^250/)
    await eventually(() => existsSync(join(root, 'new')) && readdirSync(join(root, 'new')).length === 1)
    rmSync(join(root, 'tmp'), { recursive: true })
    writeFileSync(join(root, 'tmp'), 'in the way')
    let accepted = 1
    let answer = await send()
    for (; answer.startsWith('250'); answer = await send()) accepted += 1
    expect(answer).toMatch(/^45[12] 4\.3/)
    expect(accepted).toBe(101)
    const account = (
      await server.service(directoryService).accountByAddress(parseAddress('alice@example.test') as Address)
    )?.id
    const stats = await collectStats(server.service(engine), [account as AccountId], {})
    expect(stats.waiting).toMatchObject({ accounts: 1, operations: 100 })
    expect(Math.abs(Date.now() - (stats.waiting?.oldestAt ?? 0))).toBeLessThan(30_000)
    rmSync(join(root, 'tmp'))
    mkdirSync(join(root, 'tmp'))
    await eventually(async () => (await send()).startsWith('250'), 20_000)
    await eventually(() => readdirSync(join(root, 'new')).length === 102, 20_000)
    await eventually(async () => {
      const { waiting } = await collectStats(server.service(engine), [account as AccountId], {})
      return waiting?.operations === 0 && waiting.oldestAt === null
    })
  })
})
