import { cpSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dataDirectory, type OpenedStore, openStore } from './open-store.ts'
import { indexOf, logOf, replaceDirectory, segmentsOf } from './store-files.ts'
import { supervise } from './worker-orders.ts'

const put = (store: OpenedStore, name: string, isRelaxed = false) => {
  const transact = isRelaxed ? store.engine.transactRelaxed : store.engine.transact
  return transact.call(store.engine, ['scope'], async (tx) => tx.put(Buffer.from(name), Buffer.from('x')))
}

const has = async (store: OpenedStore, names: readonly string[]) =>
  (await store.engine.getMany(names.map((name) => Buffer.from(name)))).map((value) => value !== undefined)

describe('a commit that stands on a relaxed one of another worker', () => {
  it('is not brought back without it, and neither is what follows', async () => {
    using directory = dataDirectory()
    using copy = dataDirectory()
    const dataDir = directory.path
    const { shared, stop } = await supervise(dataDir)
    cpSync(indexOf(dataDir), join(copy.path, 'index'), { recursive: true })
    const first = await openStore(dataDir, { shared, worker: 0 })
    const second = await openStore(dataDir, { shared, worker: 1 })
    await put(first, 'first')
    await put(second, 'second')
    await put(first, 'relaxed', true)
    await put(second, 'stands on it')
    await put(second, 'follows')
    await put(first, 'last')
    cpSync(logOf(dataDir), join(copy.path, 'log'), { recursive: true })
    await first.close()
    await second.close()
    await stop?.()

    const names = ['first', 'second', 'relaxed', 'stands on it', 'follows', 'last']
    const restore = () => {
      replaceDirectory(join(copy.path, 'index'), indexOf(dataDir))
      replaceDirectory(join(copy.path, 'log'), logOf(dataDir))
    }
    restore()
    {
      await using store = await openStore(dataDir)
      expect(await has(store, names)).toEqual([true, true, true, true, true, true])
    }
    restore()
    const [segment] = segmentsOf(dataDir) as [string]
    const content = readFileSync(segment)
    truncateSync(segment, content.indexOf(content.subarray(0, 8), 1))
    for (let round = 0; round < 2; round++) {
      await using store = await openStore(dataDir)
      expect(await has(store, names)).toEqual([true, true, false, false, false, false])
    }
  })
})
