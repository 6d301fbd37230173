import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Database } from '../../../plugins/level/engine/database.ts'
import { prepareLayout } from '../../../plugins/level/layout.ts'
import { Room } from '../../../plugins/level/segments/room.ts'
import { SegmentFiles } from '../../../plugins/level/segments/segment-files.ts'
import { type CommitOrder, SegmentLog } from '../../../plugins/level/segments/segment-log.ts'
import { SharedState } from '../../../plugins/level/shared-state.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { disk, repair } from './faulty-disk.ts'
import { dataDirectory } from './open-store.ts'

vi.mock('node:fs', async (original) => (await import('./faulty-disk.ts')).faulty(await original()))

afterEach(() => repair())

/** The log of a thread, over an index that is written once `index` has resolved. */
function logOver(path: string, index: Promise<void>, segmentBytes: number) {
  const layout = prepareLayout(path)
  const shared = new SharedState()
  shared.begin(1n, 0)
  const slot = shared.claim(0)
  const db = { batch: () => ({ put() {}, write: () => index }) } as unknown as Database
  const files = new SegmentFiles(layout)
  const parts = { layout, db, shared, slot, files, room: new Room(layout.log, 0) }
  const segments = new SegmentLog({ ...parts, segmentBytes, durability: 'group', log: silentLog })
  const close = async () => {
    await segments.close()
    files.close()
  }
  return { segments, slot, close }
}

describe('a segment that is full', () => {
  it('makes way for the next when all of it is in the index, as an ended thread is only asked for its last', async () => {
    using directory = dataDirectory()
    const gate = Promise.withResolvers<void>()
    const { segments, slot, close } = logOver(directory.path, gate.promise, 1_000)
    const commit = (name: string) =>
      segments.commit({ ops: [{ key: Buffer.from(name), value: Buffer.alloc(2_000) }], until: 'visible' })
    const first = commit('first')
    await expect.poll(() => slot.synced).toBeGreaterThan(2_000)
    const second = commit('second')
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve, 1))
    expect(slot.segment).toBe(0)
    gate.resolve()
    await Promise.all([first, second])
    expect(slot.segment).toBe(1)
    await close()
  })

  it('waits for a sync that is under way, which would vouch for the next segment when it ends', async () => {
    using directory = dataDirectory()
    const [index, sync] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { segments, slot, close } = logOver(directory.path, index.promise, 1_000)
    const commit = (name: string, size: number, until: CommitOrder['until']) =>
      segments.commit({ ops: [{ key: Buffer.from(name), value: Buffer.alloc(size) }], until })
    const commits = [commit('relaxed', 10, 'logged'), commit('first', 2_000, 'visible')]
    await expect.poll(() => slot.synced).toBeGreaterThan(2_000)
    const sealed = slot.synced
    Object.assign(disk, { syncGate: sync.promise, syncs: 0 })
    commits.push(commit('second', 10, 'visible'))
    // The sync that brings relaxed commits to the disk begins a second after them, and takes the seal along.
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    index.resolve()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(slot.segment).toBe(0)
    sync.resolve()
    await Promise.all(commits)
    expect(slot.segment).toBe(1)
    expect(slot.synced).toBeLessThan(sealed)
    await close()
  })
})

describe('a commit that waits for the disk alone', () => {
  it('does not wait for the index, unless that is far behind', async () => {
    using directory = dataDirectory()
    const index = Promise.withResolvers<void>()
    const { segments, close } = logOver(directory.path, index.promise, 1e9)
    let told = 0
    const seen: number[] = []
    const commit = (at: number, until: CommitOrder['until']) =>
      segments
        .commit({ ops: [{ key: Buffer.from([at]), value: Buffer.alloc(1) }], until, settled: () => seen.push(at) })
        .then(() => {
          told += 1
        })
    const commits = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, at) => commit(from + at, from + at === 0 ? 'visible' : 'durable'))
    const all = commits(0, 100)
    await expect.poll(() => told).toBe(99)
    all.push(...commits(100, 1_500))
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(told).toBe(99)
    expect(seen).toEqual([])
    index.resolve()
    await Promise.all(all)
    expect(seen).toEqual(Array.from({ length: 1_500 }, (_, at) => at))
    await close()
  })
})
