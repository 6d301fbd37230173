import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { FtsIndex } from '../../../plugins/fts/fts-index.ts'
import { scratch } from '../../support/peer.ts'
import { ACCOUNT, batchOf, MAILBOX } from './batch-of.ts'

const batch = (first: number, count: number) =>
  batchOf(first, count, (uid) => `needle in text ${uid}. ${'filled with words '.repeat(50)}`)

/** What it finds, and how many it says to know: at one moment, whatever others do. */
async function answer(index: FtsIndex): Promise<readonly [found: number, through: number]> {
  const { candidates, through } = await index.search(ACCOUNT, MAILBOX, [{ within: 'body', needle: 'needle' }])
  return [candidates[0]?.uids.length ?? -1, through]
}

it('answers right while the threads of two workers write, search and throw away at once', {
  timeout: 60_000,
}, async () => {
  using folder = scratch('fts')
  const workers = [new FtsIndex(folder.path), new FtsIndex(folder.path)] as const
  let isOver = false
  let searched = 0
  const write = async (index: FtsIndex) => {
    while (!isOver) {
      const { through } = await index.coverage(ACCOUNT, MAILBOX)
      await index.index(ACCOUNT, MAILBOX, through, batch(through + 1, 20))
    }
  }
  const search = async (index: FtsIndex) => {
    while (!isOver) {
      const [found, through] = await answer(index)
      expect(found).toBe(through)
      searched += 1
    }
  }
  const clear = async () => {
    for (let round = 0; round < 60; round++) {
      await workers[round % 2]?.clear(ACCOUNT)
      await new Promise((resolve) => setTimeout(resolve, round % 7))
    }
    isOver = true
  }
  try {
    await Promise.all([...workers.map(write), ...workers.map(search), ...workers.map(search), clear()])
    expect(searched).toBeGreaterThan(20)
    // What is left is one whole index, which both of them see.
    const { through } = await workers[0].coverage(ACCOUNT, MAILBOX)
    await workers[0].index(ACCOUNT, MAILBOX, through, batch(through + 1, 20))
    for (const index of workers) expect(await answer(index)).toEqual([through + 20, through + 20])
  } finally {
    isOver = true
    await Promise.all(workers.map((index) => index.close()))
  }
  const again = new FtsIndex(folder.path)
  const [found, through] = await answer(again)
  expect(found).toBe(through)
  expect(through).toBeGreaterThan(0)
  await again.close()
})

it('makes its folder anew when somebody deletes it meanwhile, with everything in it', async () => {
  using folder = scratch('fts')
  const path = join(folder.path, 'search')
  const index = new FtsIndex(path)
  await index.index(ACCOUNT, MAILBOX, 0, batch(1, 20))
  expect(await answer(index)).toEqual([20, 20])
  rmSync(path, { recursive: true })
  expect(await answer(index)).toEqual([0, 0])
  await index.index(ACCOUNT, MAILBOX, 0, batch(1, 30))
  expect(await answer(index)).toEqual([30, 30])
  expect(statSync(path).mode & 0o777).toBe(0o700)
  await index.close()
})

it('works when somebody wrote into the file that keeps its threads apart', async () => {
  using folder = scratch('fts')
  writeFileSync(join(folder.path, 'lock'), 'no database at all, but long enough to be one'.repeat(100))
  const index = new FtsIndex(folder.path)
  await index.index(ACCOUNT, MAILBOX, 0, batch(1, 20))
  expect(await answer(index)).toEqual([20, 20])
  await index.close()
  expect(readdirSync(folder.path).sort()).toEqual([`${ACCOUNT}.sqlite`, 'lock'])
})

it('searches while a batch is taken in', { timeout: 60_000 }, async () => {
  using folder = scratch('fts')
  const index = new FtsIndex(folder.path)
  await index.index(ACCOUNT, MAILBOX, 0, batch(1, 20))
  await answer(index)
  let isTaken = false
  const body = Array.from({ length: 600_000 }, (_, at) => at.toString(36).padStart(5, 'x')).join(' ')
  const documents = [{ uid: 21, id: 'large', header: '', body }]
  const taken = index.index(ACCOUNT, MAILBOX, 20, { documents, copies: [], skipped: [], through: 21 }).then(() => {
    isTaken = true
  })
  let before = 0
  while (!isTaken) {
    const [found, through] = await answer(index)
    expect(found).toBe(20)
    if (through === 20) before += 1
  }
  await taken
  expect(before).toBeGreaterThan(3)
  await index.close()
})
