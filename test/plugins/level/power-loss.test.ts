import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { key, type Log } from 'mailserver'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { flush, openDatabase } from '../../../plugins/level/engine/database.ts'
import { layoutOf } from '../../../plugins/level/layout.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { randomFrom, writeLostStore } from './lost-store.ts'
import { dataDirectory, type LevelOptions, type OpenedStore, openStore } from './open-store.ts'
import { drive } from './power.ts'
import { checkMessages, fileMessage } from './traffic.ts'

vi.mock('node:fs', async (original) => (await import('./power.ts')).poweredBy(await original()))

afterEach(() => drive.clear())

/** Failures in the life of one store, and how many stores. */
const ROUNDS = 6
const STORES = Number(process.env.POWER_STORES ?? 1)
const SEED = Number(process.env.POWER_SEED ?? Date.now() % 1_000_000)

/** What of the sectors that were not synced has reached the drive. */
const LOSSES: readonly (readonly [title: string, isKept: (random: () => number) => boolean])[] = [
  ['nothing that was not synced', () => false],
  ['everything', () => true],
  ['any half of it, in any order', (random) => random() < 0.5],
  ['nearly everything', (random) => random() < 0.97],
]

interface Acknowledged {
  readonly filed: Map<number, number>
  readonly flags: Map<number, number>
}

/** Files messages and sets flags, until it is told to stop. */
function traffic(store: OpenedStore, acknowledged: Acknowledged) {
  let isStopping = false
  const busy = async (writer: number) => {
    for (let round = 0; !isStopping; round++) {
      const size = round % 5 === 0 ? 150_000 : 300 + round * 7
      const number = await fileMessage(store, writer, size)
      acknowledged.filed.set(writer, Math.max(number, acknowledged.filed.get(writer) ?? -1))
      const count = await store.engine.transactRelaxed([`writer:${writer}`], async (tx) => {
        const value = (await tx.get(key('count', writer))) as Buffer
        tx.put(key('flags', writer), value)
        return value.readUInt32BE()
      })
      acknowledged.flags.set(writer, Math.max(count, acknowledged.flags.get(writer) ?? 0))
    }
  }
  const done = Promise.all([0, 0, 0, 1, 2, 3].map(busy))
  return async () => {
    isStopping = true
    await done
  }
}

/** The store as it is found when the power comes back. */
async function afterPowerLoss(from: string, index: string, isKept: () => boolean): Promise<string> {
  const lost = join(from, '..', 'lost')
  rmSync(lost, { recursive: true, force: true })
  writeLostStore(from, index, join(lost, 'store'), isKept)
  return lost
}

/** Writes and gives up what makes room for compactions, and compacts, until it is told to stop. */
function compactions(store: OpenedStore) {
  let isStopping = false
  const { signal } = new AbortController()
  const done = (async () => {
    while (!isStopping) {
      await store.blobStore.release(await store.blobStore.write(Buffer.alloc(400_000)))
      await store.maintenance.compact({ signal })
    }
  })()
  return async () => {
    isStopping = true
    await done
  }
}

async function loseThePower(options: LevelOptions, seed: number, isCompacting: boolean): Promise<void> {
  const random = randomFrom(seed)
  using directory = dataDirectory()
  const root = join(directory.path, 'store')
  const store = await openStore(directory.path, { options })
  const db = await openDatabase(layoutOf(root), { cacheBytes: 8_000_000, writeBufferBytes: 64_000_000 })
  const acknowledged: Acknowledged = { filed: new Map(), flags: new Map() }
  const stop = traffic(store, acknowledged)
  const stopCompacting = isCompacting ? compactions(store) : undefined
  const index = join(directory.path, 'index-then')
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await new Promise((resolve) => setTimeout(resolve, 10 + random() * 120))
      if (round % 2 === 0 || isCompacting) {
        // The index of this moment, or in the next round one that is older than its log: not so when segments are deleted,
        // for what they held is in the index on the disk before.
        await flush(db)
        rmSync(index, { recursive: true, force: true })
        cpSync(join(root, 'index'), index, { recursive: true })
      }
      const [filed, flags] = [new Map(acknowledged.filed), new Map(acknowledged.flags)]
      const [title, isKept] = LOSSES[round % LOSSES.length] as (typeof LOSSES)[number]
      const where = `seed ${seed}, round ${round}: ${title}`
      // Nothing else runs between what was acknowledged and this.
      const lost = await afterPowerLoss(root, index, () => isKept(random))
      await check(lost, where, options, { filed, flags })
    }
  } finally {
    await stopCompacting?.()
    await stop()
    await db.close()
    await store.close()
  }
}

async function check(lost: string, where: string, options: LevelOptions, { filed, flags }: Acknowledged) {
  const errors: unknown[] = []
  const log: Log = { ...silentLog, error: (fields) => errors.push(fields), child: () => log }
  const store = await openStore(lost, { options, log })
  const counts = await checkMessages(store)
  expect(errors, where).toEqual([])
  for (const [writer, number] of filed) expect(counts[writer] ?? 0, where).toBeGreaterThan(number)
  for (const [writer, count] of flags) {
    const found = (await store.engine.get(key('flags', writer)))?.readUInt32BE() ?? 0
    expect(counts[writer] ?? 0, where).toBeGreaterThanOrEqual(found)
    if (options.durability === 'fsync') expect(found, where).toBeGreaterThanOrEqual(count)
  }
  expect(await fileMessage(store, 0, 1_000), where).toBe(counts[0] ?? 0)
  await store.close()
}

describe('a power failure in mid-traffic', () => {
  for (const [title, options, isCompacting] of [
    ['in one segment', {}],
    ['while it compacts', { segmentSize: 300_000 }, true],
    ['in small segments', { segmentSize: 700_000 }],
    ['with flags that wait for the disk', { durability: 'fsync', segmentSize: 2_000_000 }],
  ] as readonly (readonly [string, LevelOptions, boolean?])[]) {
    it(
      `takes nothing that was acknowledged, and leaves nothing half there: ${title}`,
      async () => {
        for (let store = 0; store < STORES; store++) {
          await loseThePower({ writeBufferSize: 64_000_000, ...options }, SEED + store, isCompacting ?? false)
          drive.clear()
        }
      },
      60_000 + STORES * 30_000,
    )
  }
})

describe('a sync that failed', () => {
  it('leaves nothing that is seen once the store is opened again and gone after a power failure', async () => {
    using directory = dataDirectory()
    const root = join(directory.path, 'store')
    {
      await using store = await openStore(directory.path)
      await fileMessage(store, 0, 3_000)
      drive.failsNext = true
      await expect(fileMessage(store, 1, 200_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    }
    await using store = await openStore(directory.path)
    const seen = await checkMessages(store)
    await fileMessage(store, 2, 3_000)
    const index = join(directory.path, 'index-then')
    cpSync(join(root, 'index'), index, { recursive: true })
    const lost = await afterPowerLoss(root, index, () => false)
    await using found = await openStore(lost)
    expect(seen[1] ?? 0).toBe(1)
    expect(await checkMessages(found)).toEqual([seen[0], seen[1], 1])
  })
})
