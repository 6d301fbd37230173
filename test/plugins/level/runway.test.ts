import { cpSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Runway, ZEROS } from '../../../plugins/level/segments/runway.ts'
import { type Log, silentLog } from '../../../src/kernel/log.ts'
import { dataDirectory, openStore } from './open-store.ts'
import { logOf, replaceDirectory, segmentsOf } from './store-files.ts'
import { checkMessages, fileMessage } from './traffic.ts'

/** Syncs `count` groups of `octets` each, and returns how many octets of zeros were asked for. */
function zerosFor(groups: readonly (readonly [count: number, octets: number])[]): number {
  const runway = new Runway()
  let written = 0
  let zeros = 0
  for (const [count, octets] of groups) {
    for (let at = 0; at < count; at++) {
      written += octets
      runway.onSync(written)
      const from = runway.wanted(written)
      if (from === undefined) continue
      expect(from).toBeGreaterThanOrEqual(written)
      zeros += ZEROS.length
      runway.reach(from + ZEROS.length)
    }
  }
  return zeros
}

describe('zeros ahead of a segment', () => {
  it('are not written for a few commits', () => {
    expect(zerosFor([[31, 500]])).toBe(0)
  })

  it('are written once for each stretch that small groups use up', () => {
    expect(zerosFor([[3_000, 2_000]])).toBeLessThan(3_000 * 2_000 + 2 * ZEROS.length)
    expect(zerosFor([[3_000, 2_000]])).toBeGreaterThan(2_800 * 2_000)
  })

  it('are not written for large groups, and again once groups are small', () => {
    expect(zerosFor([[1_000, 300_000]])).toBe(0)
    expect(
      zerosFor([
        [100, 300_000],
        [1_000, 2_000],
      ]),
    ).toBeGreaterThan(1_000_000)
  })

  it('are cut off when the segment is closed, and pass for a torn end after a crash', async () => {
    using directory = dataDirectory()
    using copy = dataDirectory()
    const [segment, content] = await (async () => {
      await using store = await openStore(directory.path)
      for (let at = 0; at < 60; at++) await fileMessage(store, 0, 100)
      const [path] = segmentsOf(directory.path) as [string]
      expect(statSync(path).size).toBeGreaterThan(ZEROS.length)
      cpSync(logOf(directory.path), copy.path, { recursive: true })
      return [path, 60 * 1_000]
    })()
    expect(statSync(segment).size).toBeLessThan(content)
    using crashed = dataDirectory()
    await (await openStore(crashed.path)).close()
    cpSync(`${directory.path}/store/VERSION`, `${crashed.path}/store/VERSION`)
    replaceDirectory(copy.path, logOf(crashed.path))
    const errors: object[] = []
    const log: Log = { ...silentLog, error: (fields) => errors.push(fields), child: () => log }
    await using store = await openStore(crashed.path, { log })
    expect(await checkMessages(store)).toEqual([60])
    expect(errors).toEqual([])
    expect(statSync(segmentsOf(crashed.path)[0] as string).size).toBeLessThan(content)
  })
})
