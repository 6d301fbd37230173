import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { codeOf, type Log } from 'mailserver'
import { expect, it } from 'vitest'
import { FtsIndex } from '../../../plugins/fts/fts-index.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { eventually, scratch } from '../../support/peer.ts'
import { ACCOUNT, batchOf, MAILBOX } from './batch-of.ts'

const batch = (first: number, count: number) =>
  batchOf(first, count, (uid) => `needle in text ${uid}. ${'filled with words '.repeat(200)}`)

const found = async (index: FtsIndex, needle: string): Promise<number> => {
  const { candidates } = await index.search(ACCOUNT, MAILBOX, [{ within: 'body', needle }])
  return candidates[0]?.uids.length ?? -1
}

it('keeps what it told of, whole, when it is killed at any moment', { timeout: 60_000 }, async () => {
  using folder = scratch('fts')
  let told = 0
  for (let round = 0; round < 3; round++) {
    const child = spawn(
      process.execPath,
      [...process.execArgv, join(import.meta.dirname, 'indexing-child.ts'), folder.path],
      {
        env: { ...process.env, NODE_OPTIONS: '--conditions=source' },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let heard = 0
    for await (const chunk of child.stdout) {
      told = Number(String(chunk).trim().split('\n').at(-1))
      heard += 1
      if (heard > 3 + round) break
    }
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    const index = new FtsIndex(folder.path)
    const { through } = await index.coverage(ACCOUNT, MAILBOX)
    expect(through).toBeGreaterThanOrEqual(told)
    expect(await found(index, 'needle')).toBe(through)
    expect(await found(index, `found  ${through}.`)).toBe(1)
    await index.close()
  }
})

it.each([
  ['cut in the middle', (path: string) => truncateSync(path, Math.floor(statSync(path).size / 2 / 4096) * 4096)],
  [
    'not a database',
    (path: string) => writeFileSync(path, 'no database at all, but long enough to be one'.repeat(100)),
  ],
  ['empty', (path: string) => truncateSync(path, 0)],
  [
    'wrong in one bit of a term',
    (path: string) => {
      const bytes = readFileSync(path)
      const at = bytes.indexOf('filled')
      bytes[at] = (bytes[at] as number) ^ 1
      writeFileSync(path, bytes)
    },
  ],
  [
    'wrong in one bit of what a term stands in',
    (path: string) => {
      using database = new DatabaseSync(path)
      for (const { id, postings } of database.prepare('SELECT id, postings FROM blocks').all()) {
        const bytes = postings as Uint8Array
        const middle = bytes.length >> 1
        bytes[middle] = (bytes[middle] as number) ^ 1
        database.prepare('UPDATE blocks SET postings = ? WHERE id = ?').run(bytes, id as number)
      }
    },
  ],
  [
    'full of noise behind its beginning',
    (path: string) => {
      const bytes = readFileSync(path)
      for (let at = 4096; at < bytes.length; at += 7) bytes[at] = (at * 31) & 0xff
      writeFileSync(path, bytes)
    },
  ],
])('throws a file away that is %s, and begins anew', async (_, damage) => {
  using folder = scratch('fts')
  const first = new FtsIndex(folder.path)
  await first.index(ACCOUNT, MAILBOX, 0, batch(1, 100))
  await first.close()
  const [file = ''] = readdirSync(folder.path).filter((name) => name.endsWith('.sqlite'))
  damage(join(folder.path, file))
  const index = new FtsIndex(folder.path)
  // What is damaged may be met at the first question or at a later one; what is lost is never told as found or not found.
  for (let round = 0; round < 3; round++) {
    const { through, candidates } = await index.search(ACCOUNT, MAILBOX, [{ within: 'body', needle: 'needle' }])
    expect(candidates[0]?.uids.length ?? 0).toBe(through)
    await index.index(ACCOUNT, MAILBOX, through, batch(through + 1, 50))
  }
  const { through } = await index.coverage(ACCOUNT, MAILBOX)
  expect(through).toBeGreaterThan(0)
  expect(await found(index, 'needle')).toBe(through)
  await index.close()
})

it.each([1, 99])('throws an index of layout %i away, and says so', async (layout) => {
  using folder = scratch('fts')
  const path = join(folder.path, `${ACCOUNT}.sqlite`)
  {
    using database = new DatabaseSync(path)
    database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE documents (other TEXT); PRAGMA user_version = ${layout}`)
  }
  const said: object[] = []
  const log: Log = { ...silentLog, warn: (fields) => void said.push(fields) }
  const index = new FtsIndex(folder.path, log)
  expect(await index.coverage(ACCOUNT, MAILBOX)).toEqual({ through: 0, skipped: new Set() })
  await index.index(ACCOUNT, MAILBOX, 0, batch(1, 20))
  expect(await found(index, 'needle')).toBe(20)
  await index.close()
  expect(said).toEqual([{ path, reason: `the index has layout ${layout}, and not 2` }])
  // Now it is one that is known.
  const again = new FtsIndex(folder.path, log)
  expect(await found(again, 'needle')).toBe(20)
  await again.close()
  expect(said.length).toBe(1)
})

it('keeps its files to itself', async () => {
  using folder = scratch('fts')
  const index = new FtsIndex(join(folder.path, 'search'))
  await index.index(ACCOUNT, MAILBOX, 0, batch(1, 5))
  expect(statSync(join(folder.path, 'search')).mode & 0o777).toBe(0o700)
  const files = readdirSync(join(folder.path, 'search'))
  expect(files.length).toBeGreaterThan(1)
  for (const file of files) expect(statSync(join(folder.path, 'search', file)).mode & 0o777, file).toBe(0o600)
  await index.close()
})

it('sees what another thread throws away and makes anew', async () => {
  using folder = scratch('fts')
  const [one, two] = [new FtsIndex(folder.path), new FtsIndex(folder.path)]
  await one.index(ACCOUNT, MAILBOX, 0, batch(1, 20))
  expect(await found(two, 'needle')).toBe(20)
  await one.clear(ACCOUNT)
  expect(await found(two, 'needle')).toBe(0)
  await one.index(ACCOUNT, MAILBOX, 0, batch(1, 30))
  expect(await found(two, 'needle')).toBe(30)
  await Promise.all([one.close(), two.close()])
})

it.runIf(process.platform === 'linux')('writes behind everything else that wants the processor', async () => {
  using folder = scratch('fts')
  const nices = () =>
    readdirSync('/proc/self/task').map((task) => {
      const stat = readFileSync(`/proc/self/task/${task}/stat`, 'latin1')
      // Fields are counted behind the name, which ends with the last bracket (proc_pid_stat(5)).
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
    })
  const before = nices()
  const index = new FtsIndex(folder.path)
  expect(await found(index, 'needle')).toBe(0)
  expect(nices().filter((nice) => nice > Math.max(...before))).toEqual([])
  await index.index(ACCOUNT, MAILBOX, 0, batch(1, 5))
  expect(nices().filter((nice) => nice > Math.max(...before))).toEqual([10])
  await index.close()
})

it('ends its threads when nobody asks, and begins others with the next question', async () => {
  using folder = scratch('fts')
  let begun = 0
  const count = () => void begun++
  process.on('worker', count)
  const index = new FtsIndex(folder.path, silentLog, 50)
  await index.index(ACCOUNT, MAILBOX, 0, batch(1, 20))
  expect(await found(index, 'needle')).toBe(20)
  // One that writes, one that searches.
  expect(begun).toBe(2)
  // While the first ends, others may ask already.
  for (let round = 2; round <= 4; round++) {
    await new Promise((resolve) => setTimeout(resolve, 50 + round))
    const answers = await Promise.all([found(index, 'needle'), found(index, 'nowhere')])
    expect(answers).toEqual([20, 0])
  }
  await eventually(async () => {
    await new Promise((resolve) => setTimeout(resolve, 60))
    return (await found(index, 'needle')) === 20 && begun > 3
  })
  await index.close()
  process.off('worker', count)
})

it('refuses questions once it is closed', async () => {
  using folder = scratch('fts')
  const index = new FtsIndex(folder.path)
  await index.close()
  expect(await index.coverage(ACCOUNT, MAILBOX).catch(codeOf)).toBe('UNAVAILABLE')
})
