import { randomFillSync } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BlobRef } from 'mailserver'
import { codeOf } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { dataDirectory, type LevelOptions, type OpenedStore, openStore } from './open-store.ts'
import { segmentsOf, storeOf } from './store-files.ts'
import { checkMessages, fileMessage } from './traffic.ts'

const signal = new AbortController().signal
const SMALL = { segmentSize: 200_000 }
const KEY = 'ab'.repeat(32)
const OTHER = 'cd'.repeat(32)

const logBytes = (dataDir: string) => segmentsOf(dataDir).reduce((sum, path) => sum + statSync(path).size, 0)
const compacted = (store: OpenedStore) => store.maintenance.compact({ signal })

async function fill(store: OpenedStore, count: number, sizes: readonly number[]): Promise<Map<BlobRef, Buffer>> {
  const kept = new Map<BlobRef, Buffer>()
  for (let at = 0; at < count; at++) {
    const bytes = randomFillSync(Buffer.allocUnsafe(sizes[at % sizes.length] as number))
    kept.set(await store.blobStore.write(bytes), bytes)
  }
  return kept
}

/** Releases all but every nth. */
async function thin(store: OpenedStore, kept: Map<BlobRef, Buffer>, nth: number): Promise<void> {
  for (const [at, ref] of [...kept.keys()].entries()) {
    if (at % nth === 0) continue
    await store.blobStore.release(ref)
    kept.delete(ref)
  }
}

async function expectKept(store: OpenedStore, kept: ReadonlyMap<BlobRef, Buffer>): Promise<void> {
  const refs = [...kept.keys()]
  let count = 0
  for await (const batch of store.blobStore.readMany(refs)) {
    for (const [ref, bytes] of batch) expect(bytes.equals(kept.get(ref) as Buffer), ref).toBe(true)
    count += batch.length
  }
  expect(count).toBe(refs.length)
  for (const [ref, bytes] of kept) {
    expect((await store.blobStore.read(ref)).equals(bytes), ref).toBe(true)
    const [start, end] = [Math.floor(bytes.length / 3), Math.floor(bytes.length / 2)]
    expect((await store.blobStore.read(ref, { start, end })).equals(bytes.subarray(start, end)), ref).toBe(true)
    const pieces: Buffer[] = []
    for await (const piece of store.blobStore.stream(ref)) pieces.push(piece as Buffer)
    expect(Buffer.concat(pieces).equals(bytes), ref).toBe(true)
  }
}

async function figureOf(store: OpenedStore, name: string): Promise<number | undefined> {
  return (await store.maintenance.stats()).find((figure) => figure.name === name)?.value
}

async function damagesOf(store: OpenedStore): Promise<string[]> {
  const found: string[] = []
  for await (const { meaning } of store.maintenance.check({ signal, repair: false })) found.push(meaning)
  return found
}

const VARIANTS: readonly (readonly [title: string, options: LevelOptions])[] = [
  ['plain', SMALL],
  ['compressed', { ...SMALL, compression: 'zstd' }],
  ['encrypted', { ...SMALL, encryption: { key: KEY } }],
  ['compressed and encrypted', { ...SMALL, compression: 'zstd', encryption: { key: KEY } }],
  ['not waiting for the disk', { ...SMALL, durability: 'os' }],
]

describe('compaction', () => {
  for (const [variant, options] of VARIANTS) {
    it(`moves what is needed, again and again, and gives the rest back: ${variant}`, async () => {
      using directory = dataDirectory()
      const kept = new Map<BlobRef, Buffer>()
      {
        await using store = await openStore(directory.path, { options })
        for (let round = 0; round < 3; round++) {
          for (const [ref, bytes] of await fill(store, 40, [700, 9_000, 30_000, 300_000, 0])) kept.set(ref, bytes)
          await thin(store, kept, 3)
          const before = logBytes(directory.path)
          const { freedBytes, movedBlobs } = await compacted(store)
          expect(freedBytes).toBeGreaterThan(before / 3)
          expect(Math.abs(before - logBytes(directory.path) - freedBytes)).toBeLessThan(1_000)
          expect(movedBlobs).toBeGreaterThan(0)
          await expectKept(store, kept)
          expect(await damagesOf(store)).toEqual([])
        }
        const again = await compacted(store)
        expect(again.movedBlobs).toBe(0)
      }
      await using store = await openStore(directory.path, { options })
      await expectKept(store, kept)
      for (const ref of kept.keys()) await store.blobStore.release(ref)
      for (const ref of kept.keys()) await store.blobStore.release(ref)
      await compacted(store)
      for (const ref of kept.keys()) {
        const code = await store.blobStore.read(ref).then(() => 'read', codeOf)
        expect(code, ref).toBe('NOT_FOUND')
      }
      expect(logBytes(directory.path)).toBeLessThan(40_000)
    }, 60_000)
  }

  it('lets a stream go on whose segment goes while it is read', async () => {
    using directory = dataDirectory()
    await using store = await openStore(directory.path, { options: SMALL })
    const kept = await fill(store, 3, [900_000, 20_000])
    const [ref, bytes] = [...kept][0] as [BlobRef, Buffer]
    await thin(store, kept, 2)
    const pieces: Buffer[] = []
    for await (const piece of store.blobStore.stream(ref)) {
      pieces.push(piece as Buffer)
      if (pieces.length === 1) expect((await compacted(store)).movedBlobs).toBeGreaterThan(0)
    }
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
  })

  it('goes on beside writers, readers and releases, and loses nothing', async () => {
    using directory = dataDirectory()
    await using store = await openStore(directory.path, { options: SMALL })
    const kept = await fill(store, 60, [2_000, 40_000, 150_000])
    const LEFT = 19
    let isOver = false
    const traffic = async (writer: number) => {
      for (let round = 0; !isOver; round++) {
        await fileMessage(store, writer, 500 + 700 * round)
        if (round % 2 === 0) await store.blobStore.release(await store.blobStore.write(Buffer.alloc(30_000)))
        // One of those that nobody releases: the other writer may be about to.
        const [ref, bytes] = [...kept][round % LEFT] as [BlobRef, Buffer]
        expect((await store.blobStore.read(ref)).equals(bytes)).toBe(true)
        if (kept.size <= LEFT) continue
        const last = [...kept.keys()].at(-1) as BlobRef
        kept.delete(last)
        await store.blobStore.release(last)
      }
    }
    const all = Promise.all([traffic(0), traffic(1)])
    for (let round = 0; round < 4; round++) await compacted(store)
    isOver = true
    await all
    await expectKept(store, kept)
    await checkMessages(store)
    expect(await damagesOf(store)).toEqual([])
  }, 60_000)

  it('writes messages smaller that have come to rest, but not those that would not get so', async () => {
    using directory = dataDirectory()
    const texts = new Map<BlobRef, Buffer>()
    {
      await using store = await openStore(directory.path, { options: SMALL })
      for (let at = 0; at < 60; at++) {
        const bytes = Buffer.from(
          `message ${at}: ${'the same words again and again '.repeat(at % 20 === 0 ? 9_000 : 300)}`,
        )
        texts.set(await store.blobStore.write(bytes), bytes)
      }
    }
    const before = logBytes(directory.path)
    await using store = await openStore(directory.path, { options: { ...SMALL, compression: 'zstd' } })
    const random = await fill(store, 10, [10_000])
    await compacted(store)
    expect(logBytes(directory.path)).toBeLessThan(before / 5 + 110_000)
    await expectKept(store, texts)
    await expectKept(store, random)
    expect((await compacted(store)).movedBlobs).toBe(0)
  })

  it('brings a new key to everything, after which the old one is not needed', async () => {
    using directory = dataDirectory()
    const kept = new Map<BlobRef, Buffer>()
    const both = { ...SMALL, encryption: { keys: [OTHER, KEY] } }
    for (const options of [SMALL, { ...SMALL, encryption: { key: KEY } }, both]) {
      await using store = await openStore(directory.path, { options })
      for (const [ref, bytes] of await fill(store, 20, [3_000, 200_000])) kept.set(ref, bytes)
    }
    const keys = () => readFileSync(join(storeOf(directory.path), 'VERSION'), 'latin1').match(/^key/gm)?.length
    expect(keys()).toBe(2)
    {
      await using store = await openStore(directory.path, { options: both })
      await fill(store, 1, [100])
      expect(await figureOf(store, 'segments_of_other_keys')).toBeGreaterThan(20)
      await compacted(store)
      expect(await figureOf(store, 'segments_of_other_keys')).toBe(0)
      await expectKept(store, kept)
    }
    expect(keys()).toBe(1)
    await using store = await openStore(directory.path, { options: { ...SMALL, encryption: { key: OTHER } } })
    await expectKept(store, kept)
    expect(await damagesOf(store)).toEqual([])
  })

  it('stops when it is told to, and goes on from there the next time', async () => {
    using directory = dataDirectory()
    await using store = await openStore(directory.path, { options: SMALL })
    const kept = await fill(store, 200, [20_000])
    await thin(store, kept, 2)
    const stop = new AbortController()
    const onProgress = () => stop.abort()
    const first = await store.maintenance.compact({ signal: stop.signal, onProgress })
    await expectKept(store, kept)
    const second = await compacted(store)
    expect(first.movedBlobs).toBeGreaterThan(0)
    expect(second.movedBlobs).toBeGreaterThan(0)
    await expectKept(store, kept)
  })

  it('leaves a segment with damage where it is', async () => {
    using directory = dataDirectory()
    let kept: Map<BlobRef, Buffer>
    const { writeFileSync } = await import('node:fs')
    {
      await using store = await openStore(directory.path, { options: SMALL })
      kept = await fill(store, 12, [9_000])
      await thin(store, kept, 2)
    }
    const [path] = segmentsOf(directory.path) as [string]
    const bytes = readFileSync(path)
    bytes[40_000] = (bytes[40_000] as number) ^ 4
    writeFileSync(path, bytes)
    await using store = await openStore(directory.path, { options: SMALL })
    await compacted(store)
    expect(segmentsOf(directory.path)).toContain(path)
    const codes = await Promise.all([...kept.keys()].map((ref) => store.blobStore.read(ref).then(() => 'read', codeOf)))
    expect(codes.filter((code) => code !== 'read')).toEqual(['CORRUPT'])
  })
})
