import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { LAYOUT_VERSION, type Layout, layoutOf } from '../../../plugins/level/layout.ts'
import { type Upgrade, upgradeLayout } from '../../../plugins/level/upgrades/upgrade-layout.ts'
import { UPGRADES } from '../../../plugins/level/upgrades/upgrades.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { dataDirectory, openStore } from './open-store.ts'
import { storeOf } from './store-files.ts'
import { checkMessages, fileMessage } from './traffic.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')
const RELEASED = readdirSync(FIXTURES).filter((name) => name.startsWith('layout-'))
const { signal } = new AbortController()

const versionOf = (layout: Layout) => readFileSync(join(layout.root, 'VERSION'), 'latin1')

function progressLog(): { readonly log: Log; readonly told: unknown[] } {
  const told: unknown[] = []
  const log: Log = { ...silentLog, info: (fields) => void told.push((fields as { progress?: string }).progress) }
  return { log, told }
}

/** A store of this layout, closed. */
async function madeStore(dataDir: string): Promise<Layout> {
  const store = await openStore(dataDir, { options: { encryption: { key: 'a1'.repeat(32) } } })
  await fileMessage(store, 0, 100)
  await store.close()
  return layoutOf(storeOf(dataDir))
}

describe('a store of a released layout', () => {
  it('has a fixture for each of them, and a step from each to the next', () => {
    expect(RELEASED.sort()).toEqual(Array.from({ length: LAYOUT_VERSION }, (_, at) => `layout-${at + 1}`))
    expect(UPGRADES.map(({ from }) => from)).toEqual(Array.from({ length: LAYOUT_VERSION - 1 }, (_, at) => at + 1))
  })

  for (const name of RELEASED) {
    it(`is opened with everything in it: ${name}`, async () => {
      using directory = dataDirectory()
      cpSync(join(FIXTURES, name), storeOf(directory.path), { recursive: true })
      for (let round = 0; round < 2; round++) {
        const errors: unknown[] = []
        const log: Log = { ...silentLog, error: (fields) => errors.push(fields), child: () => log }
        await using store = await openStore(directory.path, { log })
        expect(await checkMessages(store)).toEqual([6 + round, 9, 1])
        for await (const damage of store.maintenance.check({ signal, repair: false })) errors.push(damage)
        expect(errors).toEqual([])
        await fileMessage(store, 0, 900)
      }
    })
  }
})

describe('an upgrade', () => {
  const NEXT = LAYOUT_VERSION + 1
  const mark = (layout: Layout, at: number) => join(layout.root, `step-${at}`)
  /** A step in five parts, each of which is on disk before the next. */
  const step = (from: number, failAt?: number): Upgrade => ({
    from,
    what: 'for the test',
    async run(layout, progress) {
      for (let at = 0; at < 5; at++) {
        if (at === failAt) throw new Error('the power failed')
        if (!existsSync(mark(layout, at))) writeFileSync(mark(layout, at), '')
        progress(`${at + 1} of 5`)
      }
    },
  })

  it('brings the layout to the next, keeps what VERSION says beside it, and tells how far it is', async () => {
    using directory = dataDirectory()
    const layout = await madeStore(directory.path)
    const before = versionOf(layout)
    const { log, told } = progressLog()
    await upgradeLayout(layout, [step(LAYOUT_VERSION)], log, NEXT)
    expect(versionOf(layout)).toBe(before.replace(/^\d+/, String(NEXT)))
    expect(before).toContain('\nkey ')
    expect(told.filter((text) => text !== undefined)).toEqual(['1 of 5', '2 of 5', '3 of 5', '4 of 5', '5 of 5'])
  })

  it('goes on where it was interrupted, and only then says that it is done', async () => {
    using directory = dataDirectory()
    const layout = await madeStore(directory.path)
    const before = versionOf(layout)
    for (let failAt = 0; failAt < 5; failAt++) {
      await expect(upgradeLayout(layout, [step(LAYOUT_VERSION, failAt)], silentLog, NEXT)).rejects.toThrow('power')
      expect(versionOf(layout)).toBe(before)
    }
    await upgradeLayout(layout, [step(LAYOUT_VERSION)], silentLog, NEXT)
    expect(versionOf(layout)).not.toBe(before)
    await upgradeLayout(layout, [], silentLog, NEXT)
  })

  it('takes all steps in order, and refuses when one is missing', async () => {
    using directory = dataDirectory()
    const layout = await madeStore(directory.path)
    const steps = [step(LAYOUT_VERSION + 1), step(LAYOUT_VERSION)]
    await expect(upgradeLayout(layout, steps, silentLog, NEXT + 2)).rejects.toThrow(
      `there is no upgrade from layout ${NEXT + 1}`,
    )
    expect(versionOf(layout)).toMatch(new RegExp(`^${NEXT + 1} `))
  })

  it('changes nothing of a store that has this layout', async () => {
    using directory = dataDirectory()
    const layout = await madeStore(directory.path)
    const before = versionOf(layout)
    await upgradeLayout(layout, UPGRADES, silentLog)
    expect(versionOf(layout)).toBe(before)
  })
})
