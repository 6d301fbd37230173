import { execFileSync } from 'node:child_process'
import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, type Log } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { FtsIndex } from '../../../plugins/fts/fts-index.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { scratch } from '../../support/peer.ts'
import { ACCOUNT, batchOf, MAILBOX } from './batch-of.ts'

const isRoot = process.getuid?.() === 0
const MB = 1024 * 1024

let words = 0
const text = (): string => Array.from({ length: 1_000 }, () => (words++).toString(36).padStart(6, 'x')).join(' ')

const batch = (first: number, count: number) => batchOf(first, count, () => `needle ${text()}`)

async function check(index: FtsIndex): Promise<number> {
  const { candidates, through } = await index.search(ACCOUNT, MAILBOX, [{ within: 'body', needle: 'needle' }])
  expect(candidates[0]?.uids.length).toBe(through)
  return through
}

describe.skipIf(!isRoot)('a disk that fills up (needs root, to mount one)', () => {
  it('refuses what has no room, keeps answering from what it has, and goes on once there is room', async () => {
    using folder = scratch('fts')
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${8 * MB}`, 'mailserver-test', folder.path])
    try {
      const thrownAway: object[] = []
      const log: Log = { ...silentLog, warn: (fields) => void thrownAway.push(fields) }
      const filler = join(folder.path, 'filler')
      writeFileSync(filler, Buffer.alloc(3 * MB))
      const index = new FtsIndex(join(folder.path, 'search'), log)
      const fillUp = async (): Promise<unknown> => {
        for (let round = 0; round < 200; round++) {
          const through = await check(index)
          try {
            await index.index(ACCOUNT, MAILBOX, through, batch(through + 1, 30))
          } catch (cause) {
            return codeOf(cause)
          }
        }
        return 'there was room for everything'
      }
      expect(await fillUp()).toBe('UNAVAILABLE')
      const full = await check(index)
      expect(full).toBeGreaterThan(0)
      rmSync(filler)
      await index.index(ACCOUNT, MAILBOX, full, batch(full + 1, 30))
      expect(await check(index)).toBe(full + 30)
      expect(await fillUp()).toBe('UNAVAILABLE')
      const last = await check(index)
      await index.close()
      const again = new FtsIndex(join(folder.path, 'search'), log)
      expect(await check(again)).toBe(last)
      await again.close()
      expect(thrownAway).toEqual([])
    } finally {
      execFileSync('umount', [folder.path])
    }
  })
})

it('finds what it says to know in a file that is cut anywhere, or begins anew', { timeout: 60_000 }, async () => {
  using folder = scratch('fts')
  const path = join(folder.path, `${ACCOUNT}.sqlite`)
  let cut = 0
  for (const part of [0.001, 0.02, 0.1, 0.3, 0.5, 0.77, 0.9, 0.99, 0.9999]) {
    const index = new FtsIndex(folder.path)
    const through = await check(index)
    await index.index(ACCOUNT, MAILBOX, through, batch(through + 1, 40))
    await index.close()
    truncateSync(path, Math.floor(statSync(path).size * part))
    const damaged = new FtsIndex(folder.path)
    cut += (await check(damaged)) === 0 ? 1 : 0
    await damaged.close()
  }
  expect(cut).toBeGreaterThan(5)
})
