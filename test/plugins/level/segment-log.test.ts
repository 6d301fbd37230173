import { describe, expect, it } from 'vitest'
import type { Database } from '../../../plugins/level/engine/database.ts'
import { prepareLayout } from '../../../plugins/level/layout.ts'
import { Room } from '../../../plugins/level/segments/room.ts'
import { SegmentFiles } from '../../../plugins/level/segments/segment-files.ts'
import { SegmentLog } from '../../../plugins/level/segments/segment-log.ts'
import { SharedState } from '../../../plugins/level/shared-state.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { dataDirectory } from './open-store.ts'

describe('a segment that is full', () => {
  it('makes way for the next when all of it is in the index, as an ended thread is only asked for its last', async () => {
    using directory = dataDirectory()
    const layout = prepareLayout(directory.path)
    const shared = new SharedState()
    shared.begin(1n, 0)
    const slot = shared.claim(0)
    const gate = Promise.withResolvers<void>()
    const db = { batch: () => ({ put() {}, write: () => gate.promise }) } as unknown as Database
    const files = new SegmentFiles(layout)
    const room = new Room(layout.log, 0)
    const parts = { layout, db, shared, slot, files, room }
    const segments = new SegmentLog({ ...parts, segmentBytes: 1_000, durability: 'group', log: silentLog })
    const commit = (name: string) =>
      segments.commit({ ops: [{ key: Buffer.from(name), value: Buffer.alloc(2_000) }], isRelaxed: false })
    const first = commit('first')
    await expect.poll(() => slot.synced).toBeGreaterThan(2_000)
    const second = commit('second')
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve, 1))
    expect(slot.segment).toBe(0)
    gate.resolve()
    await Promise.all([first, second])
    expect(slot.segment).toBe(1)
    await segments.close()
    files.close()
  })
})
