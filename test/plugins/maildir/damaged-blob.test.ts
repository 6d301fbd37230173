import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AccountId, codeOf, indexMessage, type Log } from 'mailserver'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/kernel/log.ts'
import { verifyStore } from '../../../src/store/verify/verify-store.ts'
import { eventually, scratch } from '../../support/peer.ts'
import { type OpenedStore, openStore } from '../level/open-store.ts'
import { audit, messageFiles, messagesOf } from './audit.ts'
import { type OpenedMaildir, openMaildir } from './open-maildir.ts'
import { ACCOUNTS, octetsOf, WHOLE } from './traffic.ts'

const [alice, bob] = ACCOUNTS as [AccountId, AccountId]

let directory: ReturnType<typeof scratch>
let level: OpenedStore
let mail: OpenedMaildir
let told: { uid?: number; code?: string }[]

const log: Log = { ...silentLog, error: (fields: object) => void told.push(fields), child: () => log } as Log

/** A server on the data of the test, from now on. */
async function open(options: { withoutKeeper?: boolean } = {}): Promise<void> {
  level = await openStore(join(directory.path, 'data'))
  const path = join(directory.path, 'mail')
  mail = await openMaildir({ engine: level.engine, blobs: level.blobStore, path, log, ...options })
}

async function close(): Promise<void> {
  await mail.close()
  await level.close()
}

async function append(account: AccountId, name: string, size = 100): Promise<number> {
  const octets = octetsOf(name, size)
  const { id } = await mail.store.mailbox(account, 'INBOX')
  const blob = await mail.blobs.write(octets)
  const [appended] = await mail.store.append(account, id, [
    { blob, index: indexMessage(octets), flags: [], internalDate: 0 },
  ])
  return appended?.uid as number
}

const idOf = async (account: AccountId, name: string) => (await mail.store.mailbox(account, name)).id

/** Flips a bit of the message in the segments; a second time brings it back. */
function flip(name: string): void {
  const needle = `body of ${name}\r\n`
  let flipped = 0
  const data = join(directory.path, 'data')
  for (const file of readdirSync(data, { recursive: true }).map((each) => join(data, String(each)))) {
    if (!statSync(file).isFile()) continue
    const bytes = readFileSync(file)
    const at = bytes.indexOf(needle, 0, 'latin1')
    const found = at === -1 ? bytes.indexOf(damaged(needle), 0, 'latin1') : at
    if (found === -1) continue
    bytes[found] = (bytes[found] as number) ^ 1
    writeFileSync(file, bytes)
    flipped += 1
  }
  expect(flipped).toBe(1)
}

const damaged = (text: string): string => String.fromCharCode(text.charCodeAt(0) ^ 1) + text.slice(1)

/** Names of the messages in the files of an account. */
const written = (account: AccountId): string[] =>
  messageFiles(mail.root(account))
    .map((file) => WHOLE.exec(readFileSync(file, 'latin1'))?.[1] ?? file)
    .sort()

async function stored(account: AccountId): Promise<string[]> {
  const names: string[] = []
  for (const { id, name } of await mail.store.mailboxes(account)) {
    for await (const states of mail.store.states(account, id)) {
      for (const { uid } of states) names.push(`${name} ${uid}`)
    }
  }
  return names.sort()
}

/** The messages that `store verify` says are damaged. */
async function verified(): Promise<string[]> {
  const found: string[] = []
  await verifyStore(mail.context, {}, ({ kind, account, mailbox, uid }) => {
    if (kind.startsWith('blob')) found.push(`${account} ${mailbox} ${uid}`)
  })
  return found.sort()
}

/** Messages of which one was damaged on the disk before it was written to its Maildir. */
async function withDamage(prepare: () => Promise<void>, ...names: readonly string[]): Promise<void> {
  await open({ withoutKeeper: true })
  for (const account of ACCOUNTS) await mail.store.createAccount(account)
  await prepare()
  await close()
  for (const name of names) flip(name)
  await open()
  for (const account of ACCOUNTS) await mail.keeper.settle(account)
}

beforeEach(() => {
  directory = scratch('maildir-damaged')
  told = []
})
afterEach(async () => {
  await close()
  directory[Symbol.dispose]()
})

describe('a message whose bytes are damaged in the store', () => {
  for (const size of [100, 3_000_000]) {
    it(`of ${size} octets is named, holds up nothing, and is written once it can be read`, async () => {
      let bad = 0
      await withDamage(async () => {
        await append(alice, 'before')
        bad = await append(alice, 'bad', size)
        await append(alice, 'after')
        await mail.store.setFlags(alice, await idOf(alice, 'INBOX'), [bad], {
          mode: 'add',
          flags: ['\\Flagged', 'Key'],
        })
      }, 'bad')
      expect(written(alice)).toEqual(['after', 'before'])
      expect(told).toMatchObject([{ account: alice, uid: bad, code: 'CORRUPT' }])
      const inbox = await idOf(alice, 'INBOX')
      await expect(mail.store.read(alice, inbox, bad)).rejects.toMatchObject({ code: 'CORRUPT' })
      expect(await verified()).toEqual([`alice INBOX ${bad}`])

      // From here to the files, and from the files to here.
      mail.mirror.watch(alice)
      await mail.mirror.attend(alice)
      await append(alice, 'later')
      await mail.store.setFlags(alice, inbox, [1], { mode: 'add', flags: ['\\Seen'] })
      await mail.store.renameMailbox(alice, 'Archive', 'Old')
      await mail.store.expunge(alice, inbox, [3])
      await eventually(() => written(alice).join() === 'before,later')
      await eventually(() => messageFiles(mail.root(alice)).some((file) => file.endsWith(':2,S')))
      await eventually(() => readdirSync(mail.root(alice)).includes('.Old'))
      rmSync(messageFiles(mail.root(alice)).find((file) => file.endsWith(':2,S')) as string)
      writeFileSync(join(mail.root(alice), 'new', 'foreign'), String(octetsOf('foreign', 10)).replaceAll('\r\n', '\n'))
      await eventually(async () => (await stored(alice)).join() === [`INBOX ${bad}`, 'INBOX 4', 'INBOX 5'].join())
      for (let look = 0; look < 3; look++) await mail.keeper.settle(alice)
      expect(told).toHaveLength(1)
      expect(mail.mirror.backlog.total.operations).toBe(0)

      flip('bad')
      await mail.keeper.settle(alice)
      expect(written(alice)).toEqual(['bad', 'foreign', 'later'])
      expect(await mail.mirrored.waiting()).toEqual([])
      expect(await verified()).toEqual([])
      const found = (await messagesOf(mail.store, alice)).get('bad')
      expect(found).toMatchObject([{ mailbox: 'INBOX', uid: bad, flags: ['\\Flagged', 'Key'] }])
      expect(await audit(mail, [])).toEqual([])
    })
  }

  it('is counted in maildirsize once it has its file', async () => {
    const counted = () =>
      readFileSync(join(mail.root(alice), 'maildirsize'), 'latin1')
        .split('\n')
        .slice(1, -1)
        .reduce((sum, line) => sum + Number(line.split(' ')[1]), 0)
    await withDamage(async () => {
      await mail.store.setQuota(alice, { maxBytes: 1_000_000 })
      await append(alice, 'before')
    })
    await append(alice, 'bad')
    await mail.keeper.settle(alice)
    expect(counted()).toBe(2)
    await close()
    await open({ withoutKeeper: true })
    await append(alice, 'worse')
    await close()
    flip('worse')
    await open()
    await mail.keeper.settle(alice)
    await append(alice, 'after')
    await mail.keeper.settle(alice)
    flip('worse')
    await mail.keeper.settle(alice)
    expect(written(alice)).toEqual(['after', 'bad', 'before', 'worse'])
    expect(counted()).toBe(4)
  })

  it('is found again by the next server, and written without being asked for', async () => {
    await withDamage(() => append(alice, 'bad').then(), 'bad')
    await append(alice, 'good')
    await close()
    flip('bad')
    await open()
    await eventually(() => written(alice).join() === 'bad,good')
    expect(await audit(mail, [])).toEqual([])
  })

  it('is tried again while the server runs', async () => {
    await withDamage(() => append(alice, 'bad').then(), 'bad')
    expect(written(alice)).toEqual([])
    flip('bad')
    await eventually(() => written(alice).join() === 'bad', 20_000)
    await eventually(async () => (await mail.mirrored.waiting()).length === 0)
  })

  it('may be copied, moved and expunged, also to another account, and is never lost by it', async () => {
    const move = (uid: number) => async () => {
      const [inbox, archive] = [await idOf(alice, 'INBOX'), await idOf(alice, 'Archive')]
      await mail.store.move(alice, inbox, [uid], archive)
    }
    await withDamage(
      async () => {
        for (const name of ['moved', 'copied', 'given', 'shared', 'gone']) await append(alice, name)
        // Some of it before the damage is known, and some after.
        await move(1)()
        await mail.store.copy(alice, await idOf(alice, 'INBOX'), [4], await idOf(bob, 'INBOX'), { account: bob })
      },
      'moved',
      'copied',
      'given',
      'shared',
      'gone',
    )
    const [inbox, archive, sent] = [await idOf(alice, 'INBOX'), await idOf(alice, 'Archive'), await idOf(alice, 'Sent')]
    await mail.store.move(alice, archive, [1], sent)
    await mail.store.copy(alice, inbox, [2], sent)
    await mail.store.move(alice, inbox, [3], await idOf(bob, 'INBOX'), { account: bob })
    await mail.store.expunge(alice, inbox, [4, 5])
    for (let look = 0; look < 2; look++) for (const account of ACCOUNTS) await mail.keeper.settle(account)
    expect(await stored(alice)).toEqual(['INBOX 2', 'Sent 1', 'Sent 2'])
    expect(await stored(bob)).toEqual(['INBOX 1', 'INBOX 2'])
    expect([...written(alice), ...written(bob)]).toEqual([])
    expect(await verified()).toEqual(['alice INBOX 2', 'alice Sent 1', 'alice Sent 2', 'bob INBOX 1', 'bob INBOX 2'])
    expect(told.every(({ code }) => code === 'CORRUPT')).toBe(true)
    // What is gone from the store is not waited for.
    expect((await mail.mirrored.load(alice)).operations).toBe(3)
    expect((await mail.mirrored.load(bob)).operations).toBe(2)

    for (const name of ['moved', 'copied', 'given', 'shared']) flip(name)
    for (const account of ACCOUNTS) await mail.keeper.settle(account)
    expect(written(alice)).toEqual(['copied', 'copied', 'moved'])
    expect(written(bob)).toEqual(['given', 'shared'])
    expect(await mail.mirrored.waiting()).toEqual([])
    expect(await audit(mail, [])).toEqual([])
  })

  it('survives that another program removes its folder, and goes when its mailbox is deleted', async () => {
    await withDamage(async () => {
      await mail.store.createMailbox(alice, 'Box')
      const octets = octetsOf('bad', 10)
      const blob = await mail.blobs.write(octets)
      const message = { blob, index: indexMessage(octets), flags: [], internalDate: 0 }
      await mail.store.append(alice, await idOf(alice, 'Box'), [message])
    }, 'bad')
    rmSync(join(mail.root(alice), '.Box'), { recursive: true })
    await mail.keeper.settle(alice)
    expect(await stored(alice)).toEqual(['Box 1'])
    expect(readdirSync(mail.root(alice))).toContain('.Box')
    await mail.store.deleteMailbox(alice, 'Box')
    await mail.keeper.settle(alice)
    expect(readdirSync(mail.root(alice))).not.toContain('.Box')
    expect(await mail.mirrored.waiting()).toEqual([])
    expect(codeOf(await mail.store.mailbox(alice, 'Box').catch((error) => error))).toBe('MAILBOX_NOT_FOUND')
  })
})
