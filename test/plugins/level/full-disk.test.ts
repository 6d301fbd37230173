import { execFileSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { dataDirectory, type OpenedStore, openStore } from './open-store.ts'
import { checkMessages, fileMessage } from './traffic.ts'
import { supervise } from './worker-orders.ts'

const isRoot = process.getuid?.() === 0
const MB = 1024 * 1024

/** A small disk of the test's own. */
function smallDisk(octets: number): { readonly path: string } & Disposable {
  const directory = dataDirectory()
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${octets}`, 'mailserver-test', directory.path])
  return {
    path: directory.path,
    [Symbol.dispose]() {
      execFileSync('umount', [directory.path])
      directory[Symbol.dispose]()
    },
  }
}

const available = (path: string) => {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}

/** Files messages until one is refused. Returns the code, and how many were taken. */
async function fillUp(store: OpenedStore, size: number): Promise<{ code: string; taken: number }> {
  for (let taken = 0; ; taken++) {
    try {
      await fileMessage(store, taken % 3, size)
    } catch (error) {
      return { code: codeOf(error), taken }
    }
  }
}

const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0)
const OPTIONS = { reserve: 6 * MB, segmentSize: 2 * MB, writeBufferSize: MB, cacheSize: MB }

describe.skipIf(!isRoot)('a small disk that fills up (needs root, to mount one)', () => {
  it('puts messages off, serves reads, takes deletions, and messages again once there is room', async () => {
    using disk = smallDisk(24 * MB)
    const ballast = join(disk.path, 'ballast')
    writeFileSync(ballast, Buffer.alloc(8 * MB))
    await using store = await openStore(disk.path, { options: OPTIONS })
    const { code, taken } = await fillUp(store, 20_000)
    expect(code).toBe('STORE_FULL')
    expect(taken).toBeGreaterThan(100)
    expect(available(disk.path)).toBeGreaterThan(OPTIONS.reserve / 2)
    expect(total(await checkMessages(store))).toBe(taken)
    await store.engine.transact(['s'], async (tx) => tx.delete(Buffer.from('anything')))
    // LevelDB may have given some room back by itself in between, never much.
    const more = (await fillUp(store, 20_000)).taken
    expect(more).toBeLessThan(100)
    rmSync(ballast)
    await expect.poll(() => fileMessage(store, 0, 20_000).then(() => 'taken', codeOf)).toBe('taken')
    expect(total(await checkMessages(store))).toBe(taken + more + 1)
  })

  it('is told to the operator as long as it has no room', async () => {
    using disk = smallDisk(24 * MB)
    const ballast = join(disk.path, 'ballast')
    const { problems, stop } = await supervise(disk.path, OPTIONS)
    expect(problems?.()).toEqual([])
    writeFileSync(ballast, Buffer.alloc(20 * MB))
    expect(problems?.()).toEqual([expect.stringMatching(/^less than 6 MB are free on the disk of .*store: messages/)])
    rmSync(ballast)
    expect(problems?.()).toEqual([])
    await stop?.()
  })

  it('loses nothing it acknowledged when somebody else takes even the reserve', async () => {
    using disk = smallDisk(24 * MB)
    const ballast = join(disk.path, 'ballast')
    let taken = 0
    {
      const store = await openStore(disk.path, { options: { ...OPTIONS, reserve: 0, writeBufferSize: 100_000 } })
      for (let at = 0; at < 60; at++) await fileMessage(store, at % 3, 5_000)
      writeFileSync(ballast, Buffer.alloc(Math.max(0, available(disk.path) - 300_000)))
      const filled = await fillUp(store, 1_000)
      expect(filled.code).toMatch(/^(STORE_FULL|UNAVAILABLE)$/)
      taken = 60 + filled.taken
      expect(total(await checkMessages(store))).toBeGreaterThanOrEqual(taken)
      rmSync(ballast)
      await store.close().catch(() => {})
    }
    await using store = await openStore(disk.path, { options: OPTIONS })
    expect(total(await checkMessages(store))).toBeGreaterThanOrEqual(taken)
    await fileMessage(store, 0, 100)
  })
})
