import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AccountId, Log } from 'mailserver'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { flush, openDatabase } from '../../../plugins/level/engine/database.ts'
import { layoutOf } from '../../../plugins/level/layout.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { scratch } from '../../support/peer.ts'
import { randomFrom, writeLostStore } from '../level/lost-store.ts'
import { openStore } from '../level/open-store.ts'
import { drive as segments } from '../level/power.ts'
import { audit, messageFiles, notOnDisk } from './audit.ts'
import { openMaildir } from './open-maildir.ts'
import { DriveDirectory, type DriveFile, drive } from './powered-disk.ts'
import { ACCOUNTS, type Tracked, Traffic, WHOLE } from './traffic.ts'

vi.mock('node:fs', async (original) => (await import('../level/power.ts')).poweredBy(await original()))
vi.mock('node:fs/promises', async (original) => (await import('./powered-disk.ts')).powered(await original()))

afterEach(() => {
  segments.clear()
  drive.begin('')
})

/** Failures in the life of one Maildir, and how many lives. */
const ROUNDS = 5
const LIVES = Number(process.env.POWER_MAILDIRS ?? 1)
const SEED = Number(process.env.POWER_SEED ?? Date.now() % 1_000_000)
const LEVEL = { writeBufferSize: 64_000_000 }

/** What of that which was not synced has reached the drive: names, and octets. */
interface Loss {
  readonly title: string
  readonly isNameKept: (random: () => number) => () => boolean
  readonly isKept: (random: () => number) => boolean
}

const LOSSES: readonly Loss[] = [
  { title: 'nothing that was not synced', isNameKept: () => () => false, isKept: () => false },
  { title: 'everything', isNameKept: () => () => true, isKept: () => true },
  { title: 'half, in any order', isNameKept: (random) => () => random() < 0.5, isKept: (random) => random() < 0.5 },
  { title: 'names, and not what is in the files', isNameKept: () => () => true, isKept: () => false },
  {
    title: 'names up to a moment, as a journal has them',
    isNameKept: (random) => {
      let left = Math.floor(random() * 40)
      return () => left-- > 0
    },
    isKept: (random) => random() < 0.8,
  },
]

type Tree = ReturnType<typeof drive.afterPowerLoss>

function writeTree(tree: Tree, node: DriveFile | DriveDirectory, path: string, isKept: () => boolean): void {
  if (node instanceof DriveDirectory) {
    mkdirSync(path, { recursive: true })
    for (const [name, entry] of tree.get(node) ?? []) writeTree(tree, entry, join(path, name), isKept)
    return
  }
  const { bytes, mtime } = node.afterPowerLoss(isKept)
  writeFileSync(path, bytes)
  // The power was away for a while.
  const time = mtime ?? new Date(Date.now() - 60_000)
  utimesSync(path, time, time)
}

interface Lost {
  readonly data: string
  readonly mail: string
  readonly where: string
}

async function check({ data, mail, where }: Lost, acknowledged: readonly Tracked[]): Promise<void> {
  const errors: unknown[] = []
  const log: Log = { ...silentLog, error: (fields) => errors.push(fields), child: () => log }
  // Whatever is visible, before anything is put right, is a whole message.
  for (const account of ACCOUNTS) {
    for (const file of messageFiles(join(mail, account))) expect(readFileSync(file, 'latin1'), where).toMatch(WHOLE)
  }
  {
    const { engine, blobStore, close } = await openStore(data, { options: LEVEL, log })
    await using lost = await openMaildir({
      engine,
      blobs: blobStore,
      path: mail,
      closeStore: close,
      withoutKeeper: true,
    })
    for (const account of ACCOUNTS) expect(await notOnDisk(lost, account), where).toEqual([])
  }
  const { engine, blobStore, close } = await openStore(data, { options: LEVEL, log })
  await using found = await openMaildir({ engine, blobs: blobStore, path: mail, log, closeStore: close })
  for (const account of ACCOUNTS) await found.keeper.settle(account)
  expect(errors, where).toEqual([])
  expect(await audit(found, acknowledged), where).toEqual([])
}

async function loseThePower(seed: number): Promise<void> {
  const random = randomFrom(seed)
  using directory = scratch('maildir-power')
  const [data, mail] = [join(directory.path, 'data'), join(directory.path, 'mail')]
  mkdirSync(mail)
  drive.begin(mail)
  const { engine, blobStore, close } = await openStore(data, { options: LEVEL })
  const db = await openDatabase(layoutOf(join(data, 'store')), { cacheBytes: 8_000_000, writeBufferBytes: 64_000_000 })
  const opened = await openMaildir({ engine, blobs: blobStore, path: mail })
  for (const account of ACCOUNTS) await opened.store.createAccount(account)
  const traffic = new Traffic({
    store: opened.store,
    blobs: blobStore,
    settle: (account) => opened.keeper.settle(account),
  })
  for (const account of ACCOUNTS) await opened.keeper.settle(account)
  traffic.start(6)
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await sleep(10 + random() * 250)
      const index = join(directory.path, 'index-then')
      await flush(db)
      rmSync(index, { recursive: true, force: true })
      cpSync(join(data, 'store', 'index'), index, { recursive: true })
      const { title, isNameKept, isKept } = LOSSES[(round + seed) % LOSSES.length] as Loss
      const lost = join(directory.path, `lost-${round}`)
      // Nothing else runs between what was acknowledged and this.
      const acknowledged = traffic.acknowledged()
      writeLostStore(join(data, 'store'), index, join(lost, 'data', 'store'), () => isKept(random))
      writeTree(drive.afterPowerLoss(isNameKept(random)), drive.top, join(lost, 'mail'), () => isKept(random))
      const where = `seed ${seed}, round ${round}: ${title}`
      await check({ data: join(lost, 'data'), mail: join(lost, 'mail'), where }, acknowledged)
      rmSync(lost, { recursive: true })
    }
  } finally {
    await traffic.stop()
    await opened.close()
    await db.close()
    await close()
  }
}

describe('a power failure while a folder is made or renamed', () => {
  for (const [title, call, name] of [
    ['before it is whole', 'mkdir', '.Box/cur'],
    ['before it has its other name', 'rename', '.Box'],
  ] as const) {
    it(`leaves the mailbox one folder, and its message there once: ${title}`, async () => {
      using directory = scratch('maildir-folder')
      const [data, mail, lost] = [
        join(directory.path, 'data'),
        join(directory.path, 'mail'),
        join(directory.path, 'lost'),
      ]
      const [alice] = ACCOUNTS as [AccountId]
      mkdirSync(mail)
      drive.begin(mail)
      const { engine, blobStore, close } = await openStore(data, { options: LEVEL })
      await using opened = await openMaildir({ engine, blobs: blobStore, path: mail, closeStore: close })
      for (const account of ACCOUNTS) {
        await opened.store.createAccount(account)
        await opened.keeper.settle(account)
      }
      const index = join(directory.path, 'index-then')
      cpSync(join(data, 'store', 'index'), index, { recursive: true })
      const renamed = Promise.withResolvers<void>()
      drive.before = async (made, path) => {
        if (path === join(opened.root(alice), '.Box')) await renamed.promise
        if (made !== call || path !== join(opened.root(alice), name)) return
        writeLostStore(join(data, 'store'), index, join(lost, 'data', 'store'), () => false)
        writeTree(
          drive.afterPowerLoss(() => true),
          drive.top,
          join(lost, 'mail'),
          () => false,
        )
      }
      const traffic = new Traffic({ store: opened.store, blobs: blobStore, settle: async () => {} })
      await traffic.folder(alice, 'Box', 'Renamed')
      renamed.resolve()
      await opened.keeper.settle(alice)
      await check({ data: join(lost, 'data'), mail: join(lost, 'mail'), where: title }, traffic.acknowledged())
      expect(existsSync(join(lost, 'mail', alice, '.Renamed', 'tmp'))).toBe(true)
      expect(existsSync(join(lost, 'mail', alice, '.Box'))).toBe(false)
    })
  }
})

describe('a power failure in mid-traffic', () => {
  it(
    'leaves whole messages, each acknowledged one once, with its UID and its date, and nothing half done',
    async () => {
      for (let life = 0; life < LIVES; life++) {
        await loseThePower(SEED + life)
        segments.clear()
      }
    },
    60_000 + LIVES * 60_000,
  )
})
