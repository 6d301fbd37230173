import type { Log, Metrics } from 'mailserver'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../../src/kernel/log.ts'
import { noMetrics } from '../../../src/kernel/metrics.ts'
import { eventually } from '../../support/peer.ts'
import { disk, repair } from './faulty-disk.ts'
import { dataDirectory, type OpenedStore, openStore } from './open-store.ts'
import { supervise } from './worker-orders.ts'

vi.mock('node:fs', async (original) => (await import('./faulty-disk.ts')).faulty(await original()))

afterEach(repair)

const MODES = ['fsync', 'group', 'os'] as const

/** Commits, and says how many syncs there were until it was acknowledged. */
async function syncsFor(store: OpenedStore, kind: 'transact' | 'transactRelaxed'): Promise<number> {
  disk.syncs = 0
  await store.engine[kind](['s'], async (tx) => tx.put(Buffer.from(kind), Buffer.from('value')))
  return disk.syncs
}

describe('a commit is on disk', () => {
  for (const durability of MODES) {
    it(`when '${durability}' says so`, async () => {
      using directory = dataDirectory()
      await using store = await openStore(directory.path, { options: { durability } })
      expect(await syncsFor(store, 'transact')).toBe(durability === 'os' ? 0 : 1)
      expect(await syncsFor(store, 'transactRelaxed')).toBe(durability === 'fsync' ? 1 : 0)
      disk.syncs = 0
      if (durability === 'group') await eventually(() => disk.syncs === 1)
    })
  }

  it("at the next durable one, when it was relaxed and the mode is 'group'", async () => {
    using directory = dataDirectory()
    await using store = await openStore(directory.path)
    for (let round = 0; round < 30; round++) expect(await syncsFor(store, 'transactRelaxed')).toBeLessThan(2)
    expect(await syncsFor(store, 'transact')).toBe(1)
  })

  it('with one sync for all that came together', async () => {
    using directory = dataDirectory()
    await using store = await openStore(directory.path, { options: { durability: 'fsync' } })
    await syncsFor(store, 'transact')
    disk.syncs = 0
    await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        store.engine.transact([`s${at}`], async (tx) => tx.put(Buffer.from(`${at}`), Buffer.alloc(10))),
      ),
    )
    expect(disk.syncs).toBeLessThan(4)
  })
})

describe('the mode', () => {
  for (const durability of MODES) {
    it(`'${durability}' is said at the start and in the metrics`, async () => {
      using directory = dataDirectory()
      const [said, warned, gauges]: unknown[][] = [[], [], []]
      const log: Log = {
        ...silentLog,
        info: (fields) => said?.push(fields),
        warn: (fields) => warned?.push(fields),
        child: () => log,
      }
      const { shared, stop } = await supervise(directory.path, { durability }, log)
      const metrics: Metrics = {
        ...noMetrics,
        gauge: (name) => ({ set: (value, labels) => gauges?.push([name, value, labels]), add: () => {} }),
      }
      const store = await openStore(directory.path, { options: { durability }, metrics, shared, worker: 1 })
      await store.close()
      await stop?.()
      expect(said).toContainEqual(expect.objectContaining({ durability }))
      expect(warned).toEqual(durability === 'os' ? [{ durability }] : [])
      expect(gauges).toContainEqual(['durability', 1, { mode: durability }])
    })
  }
})
