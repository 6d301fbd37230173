import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { BlobRef } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { dataDirectory, type OpenedStore, openStore } from './open-store.ts'
import { segmentsOf, storeOf } from './store-files.ts'
import { checkMessages, fileMessage } from './traffic.ts'

const OPTIONS = { options: { segmentSize: 200_000 } }

async function writeMany(store: OpenedStore, count: number, size: number): Promise<BlobRef[]> {
  const refs: BlobRef[] = []
  for (let at = 0; at < count; at++) refs.push(await store.blobStore.write(Buffer.alloc(size, at)))
  return refs
}

describe('room on the disk', () => {
  it('comes back when every blob of a segment has been released', async () => {
    using directory = dataDirectory()
    let kept: BlobRef
    {
      await using store = await openStore(directory.path, OPTIONS)
      const refs = [...(await writeMany(store, 100, 9_000)), ...(await writeMany(store, 4, 700_000))]
      kept = refs[50] as BlobRef
      for (const ref of refs) if (ref !== kept) await store.blobStore.release(ref)
      await fileMessage(store, 0, 100)
    }
    const file = `${Number.parseInt(kept.slice(1), 36).toString(16).padStart(8, '0')}.seg`
    const names = () => segmentsOf(directory.path).map((path) => basename(path))
    expect(names()).toHaveLength(2)
    expect(names()).toContain(file)
    for (let round = 0; round < 2; round++) {
      await using store = await openStore(directory.path, OPTIONS)
      expect((await store.blobStore.read(kept)).equals(Buffer.alloc(9_000, 50))).toBe(true)
      expect(await checkMessages(store)).toEqual([1 + round])
      await fileMessage(store, 0, 100)
      if (round === 1) await store.blobStore.release(kept)
    }
    expect(names()).not.toContain(file)
  })

  it('is not taken from a segment whose blobs are not all released, however often one of them is', async () => {
    using directory = dataDirectory()
    let refs: BlobRef[]
    {
      await using store = await openStore(directory.path, OPTIONS)
      refs = await writeMany(store, 60, 9_000)
      for (let round = 0; round < 5; round++) await store.blobStore.release(refs[0] as BlobRef)
    }
    await using store = await openStore(directory.path, OPTIONS)
    for (const [at, ref] of refs.slice(1).entries()) {
      expect((await store.blobStore.read(ref)).equals(Buffer.alloc(9_000, at + 1))).toBe(true)
    }
  })

  it('comes back from messages that were refused while they arrived', async () => {
    using directory = dataDirectory()
    {
      await using store = await openStore(directory.path, OPTIONS)
      for (let at = 0; at < 5; at++) {
        const writer = await store.blobStore.writer()
        await writer.write(Buffer.alloc(600_000))
        await writer.abort()
      }
      await fileMessage(store, 0, 100)
    }
    const octets = segmentsOf(directory.path).reduce((sum, path) => sum + statSync(path).size, 0)
    expect(octets).toBeLessThan(700_000)
  })
})

describe('files of a store', () => {
  it('are for the server alone', async () => {
    using directory = dataDirectory()
    await using store = await openStore(directory.path)
    await fileMessage(store, 0, 100)
    const root = storeOf(directory.path)
    for (const path of [root, ...['index', 'log', 'gate'].map((name) => join(root, name))]) {
      expect(statSync(path).mode & 0o777, path).toBe(0o700)
    }
    const files = [join(root, 'VERSION'), ...segmentsOf(directory.path)]
    expect(files).toHaveLength(2)
    for (const path of files) expect(statSync(path).mode & 0o777, path).toBe(0o600)
    expect(readdirSync(root).sort()).toEqual(['VERSION', 'gate', 'index', 'log'])
  })

  it('do not pile up when a store is opened and closed with nothing to write', async () => {
    using directory = dataDirectory()
    for (let round = 0; round < 5; round++) {
      await using store = await openStore(directory.path)
      expect(await store.engine.get(Buffer.from('a'))).toBeUndefined()
    }
    expect(segmentsOf(directory.path)).toEqual([])
  })
})
