import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { codeOf } from '../errors/mail-error.ts'
import type { BlobRef, BlobStore } from '../store/blob-store.ts'
import type { Damage, StoreMaintenance, StoreProgress } from '../store/store-maintenance.ts'
import type { ContractTest } from './contract.ts'

/** A store to check with its maintenance, and how to end it. Each test opens an empty one. */
export interface OpenedMaintenance {
  readonly blobStore: BlobStore
  readonly maintenance: StoreMaintenance
  close(): Promise<void>
}

type Check = (store: OpenedMaintenance) => Promise<void>

const UNITS = new Set(['octets', 'count', 'percent', 'seconds'])
const never = new AbortController().signal

const CHECKS: readonly (readonly [title: string, check: Check])[] = [
  [
    'tells figures with names of their own, a unit and a help text',
    async (store) => {
      const kept = await fill(store.blobStore, 20)
      const figures = await store.maintenance.stats()
      assert.ok(figures.length > 0)
      assert.equal(new Set(figures.map(({ name }) => name)).size, figures.length)
      for (const { name, value, unit, help } of figures) {
        assert.match(name, /^[a-z][a-z_]*$/)
        assert.ok(Number.isFinite(value) && value >= 0, `${name} is ${value}`)
        assert.ok(UNITS.has(unit), name)
        assert.match(help, /^[A-Z].*[^.]$/)
      }
      await same(store.blobStore, kept)
    },
  ],
  [
    'compacts without touching a blob that is needed, also while blobs are written and released',
    async (store) => {
      const kept = await fill(store.blobStore, 60)
      for (const ref of [...kept.keys()].filter((_, at) => at % 3 !== 0)) {
        await store.blobStore.release(ref)
        kept.delete(ref)
      }
      const compacting = store.maintenance.compact({ signal: never })
      for (const [ref, bytes] of await fill(store.blobStore, 30)) kept.set(ref, bytes)
      for (const ref of [...kept.keys()].filter((_, at) => at % 5 === 0)) {
        await store.blobStore.release(ref)
        kept.delete(ref)
      }
      const { freedBytes, movedBytes, movedBlobs } = await compacting
      for (const value of [freedBytes, movedBytes, movedBlobs]) assert.ok(Number.isFinite(value) && value >= 0)
      await same(store.blobStore, kept)
      await store.maintenance.compact({ signal: never })
      await same(store.blobStore, kept)
      for (const ref of kept.keys()) await store.blobStore.release(ref)
    },
  ],
  [
    'compacts once at a time',
    async (store) => {
      await fill(store.blobStore, 10)
      const both = await Promise.allSettled([
        store.maintenance.compact({ signal: never }),
        store.maintenance.compact({ signal: never }),
      ])
      for (const each of both) if (each.status === 'rejected') assert.equal(codeOf(each.reason), 'IN_USE')
      assert.ok(both.some(({ status }) => status === 'fulfilled'))
      await store.maintenance.compact({ signal: never })
    },
  ],
  [
    'finds nothing wrong with a store that is well, and says how far it is',
    async (store) => {
      const kept = await fill(store.blobStore, 30)
      for (const ref of [...kept.keys()].slice(0, 10)) {
        await store.blobStore.release(ref)
        kept.delete(ref)
      }
      for (const repair of [false, true]) {
        const told: StoreProgress[] = []
        const found: Damage[] = []
        const onProgress = (progress: StoreProgress) => void told.push(progress)
        for await (const damage of store.maintenance.check({ signal: never, repair, onProgress })) found.push(damage)
        assert.deepEqual(found, [])
        for (const { done, total } of told) assert.ok(done >= 0 && done <= total, `${done} of ${total}`)
      }
      await same(store.blobStore, kept)
    },
  ],
  [
    'stops when it is told to, and leaves everything readable',
    async (store) => {
      const kept = await fill(store.blobStore, 30)
      const signal = AbortSignal.abort()
      const isNeeded = async () => []
      await assert.rejects(store.maintenance.compact({ signal }))
      await assert.rejects(store.maintenance.freeOrphans({ signal, isNeeded }))
      await assert.rejects(async () => {
        for await (const damage of store.maintenance.check({ signal, repair: false })) assert.fail(damage.meaning)
      })
      await store.maintenance.compact({ signal: never })
      await same(store.blobStore, kept)
    },
  ],
  [
    'never frees what was written in this run, though nobody needs it yet',
    async (store) => {
      const kept = await fill(store.blobStore, 20)
      const isNeeded = async (refs: readonly BlobRef[]) => refs.map(() => false)
      await store.maintenance.freeOrphans({ signal: never, isNeeded })
      await store.maintenance.compact({ signal: never })
      await same(store.blobStore, kept)
    },
  ],
]

/** What every StoreMaintenance promises. Run each test with a function that opens an empty store. */
export const storeMaintenanceContract: readonly ContractTest<OpenedMaintenance>[] = CHECKS.map(([title, check]) => ({
  title,
  async run(open) {
    const opened = await open()
    try {
      await check(opened)
    } finally {
      await opened.close()
    }
  },
}))

async function fill(store: BlobStore, count: number): Promise<Map<BlobRef, Buffer>> {
  const kept = new Map<BlobRef, Buffer>()
  for (let at = 0; at < count; at++) {
    const bytes = randomFillSync(Buffer.allocUnsafe(at % 7 === 0 ? 200_000 + at : at * 300))
    kept.set(await store.write(bytes), bytes)
  }
  return kept
}

async function same(store: BlobStore, kept: ReadonlyMap<BlobRef, Buffer>): Promise<void> {
  for (const [ref, bytes] of kept) assert.ok((await store.read(ref)).equals(bytes), `read of ${ref}`)
  let count = 0
  for await (const batch of store.readMany([...kept.keys()])) {
    for (const [ref, bytes] of batch) assert.ok(bytes.equals(kept.get(ref) as Buffer), `one of many: ${ref}`)
    count += batch.length
  }
  assert.equal(count, kept.size)
}
