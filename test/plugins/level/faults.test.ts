import { cpSync } from 'node:fs'
import { type BlobRef, codeOf, type Log } from 'mailserver'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../../src/kernel/log.ts'
import { disk, fault, repair } from './faulty-disk.ts'
import { dataDirectory, openStore } from './open-store.ts'
import { indexOf, replaceDirectory, segmentsOf } from './store-files.ts'
import { checkMessages, fileMessage } from './traffic.ts'
import { supervise } from './worker-orders.ts'

vi.mock('node:fs', async (original) => (await import('./faulty-disk.ts')).faulty(await original()))

afterEach(repair)

const codeFrom = (promise: Promise<unknown>) => promise.then(() => 'done', codeOf)
const commit = (store: { engine: Parameters<typeof fileMessage>[0]['engine'] }, name: string) =>
  store.engine.transact(['s'], async (tx) => tx.put(Buffer.from(name), Buffer.from('x')))

describe('a sync that fails', () => {
  it('stops every acknowledgement from then on, and reads go on', async () => {
    using directory = dataDirectory()
    const said: string[] = []
    const log: Log = { ...silentLog, error: (_, text) => said.push(text ?? ''), child: () => log }
    {
      await using store = await openStore(directory.path, { log })
      const ref = await store.blobStore.write(Buffer.from('kept'))
      await commit(store, 'before')
      disk.sync = () => {
        disk.sync = undefined
        return fault('EIO')
      }
      const together = await Promise.all([commit(store, 'a'), commit(store, 'b')].map(codeFrom))
      expect(together).toEqual(['UNAVAILABLE', 'UNAVAILABLE'])
      // The system would call the next sync a success: it must not be believed.
      expect(await codeFrom(commit(store, 'after'))).toBe('UNAVAILABLE')
      expect(await codeFrom(store.engine.transactRelaxed(['t'], async (tx) => tx.delete(Buffer.from('before'))))).toBe(
        'UNAVAILABLE',
      )
      expect(await codeFrom(store.blobStore.write(Buffer.from('more')))).toBe('UNAVAILABLE')
      expect((await store.blobStore.read(ref)).toString()).toBe('kept')
      expect(await store.engine.get(Buffer.from('before'))).toBeDefined()
      for (const name of ['a', 'b', 'after']) expect(await store.engine.get(Buffer.from(name)), name).toBeUndefined()
      expect(said).toEqual([expect.stringContaining('look at the disk')])
    }
    await using store = await openStore(directory.path)
    await commit(store, 'after a restart')
    expect(await store.engine.get(Buffer.from('before'))).toBeDefined()
  })
})

describe('a sync that the thread itself waits for', () => {
  it('stops every acknowledgement as well when it fails', async () => {
    using directory = dataDirectory()
    await using store = await openStore(directory.path)
    // A disk that others keep busy may not be quick at once.
    for (let at = 0; disk.heldSyncs < 5 && at < 5_000; at++) await commit(store, `${at}`)
    expect(disk.heldSyncs).toBe(5)
    disk.sync = () => (disk.heldSyncs > 5 ? fault('EIO') : undefined)
    const outcomes: string[] = []
    for (let at = 0; outcomes.at(-1) !== 'UNAVAILABLE' && at < 5_000; at++) {
      outcomes.push(await codeFrom(commit(store, `more ${at}`)))
    }
    expect(outcomes.at(-1)).toBe('UNAVAILABLE')
    const failed = Buffer.from(`more ${outcomes.length - 1}`)
    disk.sync = undefined
    expect(await codeFrom(commit(store, 'after'))).toBe('UNAVAILABLE')
    expect(await store.engine.get(failed)).toBeUndefined()
  })
})

describe('a durable commit', () => {
  it('brings what it stands on to the disk as well, be it in the segment of another worker', async () => {
    using directory = dataDirectory()
    const { shared, stop } = await supervise(directory.path)
    const first = await openStore(directory.path, { shared, worker: 0 })
    const second = await openStore(directory.path, { shared, worker: 1 })
    await commit(first, 'a')
    await commit(second, 'b')
    disk.synced.clear()
    await commit(second, 'c')
    expect(disk.synced.size).toBe(1)
    disk.synced.clear()
    await first.engine.transactRelaxed(['s'], async (tx) => tx.put(Buffer.from('flag'), Buffer.from('x')))
    expect(disk.synced.size).toBe(0)
    await commit(second, 'd')
    expect(disk.synced.size).toBe(2)
    await expect.poll(() => disk.synced.size, { timeout: 5_000 }).toBe(3)
    await first.close()
    await second.close()
    await stop?.()
  })
})

describe('a disk that is full', () => {
  it('refuses at whatever octet it is full, keeps what was acknowledged, and takes more once there is room', async () => {
    using directory = dataDirectory()
    using old = dataDirectory()
    let acknowledged = 0
    {
      await using store = await openStore(directory.path)
      cpSync(indexOf(directory.path), old.path, { recursive: true })
      for (let room = 0; room < 420; room += 7) {
        disk.room = room
        const code = await codeFrom(fileMessage(store, 0, 60))
        expect(code === 'done' || code === 'STORE_FULL', code).toBe(true)
        if (code === 'done') acknowledged += 1
        expect((await checkMessages(store))[0] ?? 0).toBe(acknowledged)
      }
      disk.room = Number.POSITIVE_INFINITY
      await fileMessage(store, 0, 60)
      acknowledged += 1
      expect(await checkMessages(store)).toEqual([acknowledged])
    }
    expect(acknowledged).toBeGreaterThan(1)
    expect(acknowledged).toBeLessThan(60)
    // What was refused must not come back with a replay of the whole log either.
    replaceDirectory(old.path, indexOf(directory.path))
    await using store = await openStore(directory.path)
    expect(await checkMessages(store)).toEqual([acknowledged])
  })

  it('in the middle of a large message costs that message alone', async () => {
    using directory = dataDirectory()
    await using store = await openStore(directory.path, { options: { segmentSize: 500_000 } })
    for (let at = 0; at < 3; at++) await fileMessage(store, 0, 300_000)
    for (const room of [0, 50_000, 131_000, 200_000, 290_000]) {
      disk.room = room
      expect(await codeFrom(fileMessage(store, 0, 300_000))).toBe('STORE_FULL')
      disk.room = Number.POSITIVE_INFINITY
      await fileMessage(store, 0, 300_000)
    }
    expect(await checkMessages(store)).toEqual([8])
  })

  it('fails everybody whose write waited behind the one that found no room, and nobody else', async () => {
    using directory = dataDirectory()
    await using store = await openStore(directory.path)
    await fileMessage(store, 0, 100)
    disk.room = 90_000
    const large = Array.from({ length: 6 }, (_, at) => store.blobStore.write(Buffer.alloc(80_000, at)))
    const written = await Promise.allSettled(large)
    disk.room = Number.POSITIVE_INFINITY
    const refs = written.filter((result) => result.status === 'fulfilled').map(({ value }) => value)
    expect(refs.length).toBeLessThan(6)
    await Promise.all(Array.from({ length: 20 }, (_, writer) => fileMessage(store, writer, 50_000)))
    for (const ref of refs) {
      const bytes = await store.blobStore.read(ref as BlobRef)
      expect(bytes.equals(Buffer.alloc(80_000, bytes[0]))).toBe(true)
    }
    expect((await checkMessages(store)).every((count) => count >= 1)).toBe(true)
  })
})

describe('a segment that cannot be created', () => {
  it('is STORE_FULL or UNAVAILABLE, and is tried again', async () => {
    using directory = dataDirectory()
    await using store = await openStore(directory.path, { options: { segmentSize: 20_000 } })
    for (const [code, word] of [
      ['ENOSPC', 'STORE_FULL'],
      ['EMFILE', 'UNAVAILABLE'],
      ['EIO', 'UNAVAILABLE'],
    ] as const) {
      while (segmentsOf(directory.path).length === 0) await fileMessage(store, 0, 5_000)
      disk.open = () => fault(code)
      let last = 'done'
      for (let at = 0; at < 10 && last === 'done'; at++) last = await codeFrom(fileMessage(store, 0, 5_000))
      expect(last).toBe(word)
      disk.open = undefined
      await fileMessage(store, 0, 5_000)
    }
    const [count] = await checkMessages(store)
    expect(count).toBeGreaterThan(3)
  })
})

describe('a read that fails', () => {
  it('is UNAVAILABLE, and the next one may be good', async () => {
    using directory = dataDirectory()
    await using store = await openStore(directory.path)
    const ref = await store.blobStore.write(Buffer.from('text'))
    disk.read = () => fault('EIO')
    const error = await store.blobStore.read(ref).catch((reason: unknown) => reason)
    expect(codeOf(error)).toBe('UNAVAILABLE')
    expect((error as Error).message).toContain('.seg')
    disk.read = undefined
    expect((await store.blobStore.read(ref)).toString()).toBe('text')
  })
})
