import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { Log } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/kernel/log.ts'
import { dataDirectory, type LevelOptions, type OpenedStore, openStore } from './open-store.ts'
import { indexOf, segmentsOf, storeOf } from './store-files.ts'
import { checkMessages, fileMessage } from './traffic.ts'

const { signal } = new AbortController()
const SMALL: LevelOptions = { segmentSize: 150_000 }
const KEY = '77'.repeat(32)

function errorLog(): { readonly log: Log; readonly errors: unknown[] } {
  const errors: unknown[] = []
  const log: Log = { ...silentLog, error: (fields) => errors.push(fields), child: () => log }
  return { log, errors }
}

/** Files messages between waste that makes whole segments, with their commits, go. */
async function fileAndCompact(store: OpenedStore, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < 8; at++) await fileMessage(store, at % 2, 4_000)
    const waste = await store.blobStore.write(Buffer.alloc(160_000))
    await store.blobStore.release(waste)
    await store.maintenance.compact({ signal })
  }
}

async function damagesOf(store: OpenedStore, repair = false): Promise<string[]> {
  const found: string[] = []
  for await (const { meaning, isRepaired } of store.maintenance.check({ signal, repair })) {
    found.push(meaning)
    expect(isRepaired).toBe(repair)
  }
  return found
}

describe('a lost index', () => {
  for (const [title, options] of [
    ['', SMALL],
    [', encrypted', { ...SMALL, encryption: { key: KEY } }],
  ] as const) {
    it(`is made anew though most of the log was deleted${title}`, async () => {
      using directory = dataDirectory()
      {
        await using store = await openStore(directory.path, { options })
        await fileAndCompact(store, 5)
        for (let at = 0; at < 7; at++) await fileMessage(store, 2, 500)
      }
      expect(segmentsOf(directory.path)[0]).not.toMatch(/00000000\.seg$/)
      for (let round = 0; round < 2; round++) {
        rmSync(indexOf(directory.path), { recursive: true })
        if (round === 1) mkdirSync(indexOf(directory.path))
        const { log, errors } = errorLog()
        await using store = await openStore(directory.path, { options, log })
        expect(await checkMessages(store)).toEqual([20, 20, 7 + round])
        await fileMessage(store, 2, 500)
        expect(errors).toEqual([])
        expect(await damagesOf(store)).toEqual([])
      }
    })
  }

  it('keeps no spare copy that a key of before, or none, could read', async () => {
    using directory = dataDirectory()
    {
      await using store = await openStore(directory.path, { options: SMALL })
      await fileAndCompact(store, 2)
    }
    const spare = join(storeOf(directory.path), 'spare')
    const before = readdirSync(spare).filter((name) => name.endsWith('.ldb'))
    expect(before.length).toBeGreaterThan(0)
    const options = { ...SMALL, encryption: { key: KEY } }
    {
      await using store = await openStore(directory.path, { options })
      expect(existsSync(join(spare, 'CURRENT'))).toBe(true)
      expect(await checkMessages(store)).toEqual([8, 8])
    }
    rmSync(indexOf(directory.path), { recursive: true })
    await using store = await openStore(directory.path, { options })
    expect(await checkMessages(store)).toEqual([8, 8])
  })
})

describe('an index that is not what the log says', () => {
  it('is found by a check, key by key, and put right by a repair', async () => {
    using directory = dataDirectory()
    {
      await using store = await openStore(directory.path, { options: SMALL })
      for (let at = 0; at < 20; at++) await fileMessage(store, at % 2, 4_000)
      expect(await damagesOf(store)).toEqual([])
      await store.engine.transact(['x'], async (tx) => tx.put(Buffer.from('a key'), Buffer.from('one')))
      await store.engine.transact(['x'], async (tx) => tx.put(Buffer.from('a key'), Buffer.from('two')))
      await store.engine.transact(['x'], async (tx) => tx.put(Buffer.from('another'), Buffer.from('kept')))
    }
    const db = new ClassicLevel<string, string>(indexOf(directory.path))
    await db.open()
    await db.put('a key', 'one')
    await db.del('another')
    await db.compactRange('\xff'.repeat(9), '\xff'.repeat(9))
    await db.close()
    await using store = await openStore(directory.path, { options: SMALL })
    const found = await damagesOf(store)
    expect(found).toHaveLength(2)
    for (const key of ['"a key"', '"another"'])
      expect(found.join('\n')).toContain(`the key ${key} is not what the log says`)
    expect(await damagesOf(store, true)).toEqual(found)
    expect(await damagesOf(store)).toEqual([])
    expect((await store.engine.get(Buffer.from('a key')))?.toString()).toBe('two')
    expect((await store.engine.get(Buffer.from('another')))?.toString()).toBe('kept')
  })

  it('is put right beside traffic that changes the same keys', async () => {
    using directory = dataDirectory()
    const names = Array.from({ length: 50 }, (_, at) => `key ${at}`)
    {
      await using store = await openStore(directory.path, { options: SMALL })
      for (const name of names) {
        await store.engine.transact([name], async (tx) => tx.put(Buffer.from(name), Buffer.from('0')))
      }
    }
    const db = new ClassicLevel<string, string>(indexOf(directory.path))
    await db.open()
    for (const name of names) await db.put(name, 'wrong')
    await db.compactRange('\xff'.repeat(9), '\xff'.repeat(9))
    await db.close()
    await using store = await openStore(directory.path, { options: SMALL })
    const written = new Map<string, number>()
    let isOver = false
    const traffic = (async () => {
      for (let round = 1; !isOver; round++) {
        const name = names[round % 25] as string
        await store.engine.transact([name], async (tx) => tx.put(Buffer.from(name), Buffer.from(String(round))))
        written.set(name, round)
      }
    })()
    for await (const { isRepaired } of store.maintenance.check({ signal, repair: true })) expect(isRepaired).toBe(true)
    isOver = true
    await traffic
    for (const name of names) {
      const value = await store.engine.get(Buffer.from(name))
      expect(value?.toString()).toBe(String(written.get(name) ?? 0))
    }
    expect(await damagesOf(store)).toEqual([])
  })

  it('is not seen where commits only follow each other fast', async () => {
    using directory = dataDirectory()
    await using store = await openStore(directory.path, { options: SMALL })
    let isOver = false
    const traffic = (async () => {
      while (!isOver) await fileMessage(store, 0, 3_000)
    })()
    for (let round = 0; round < 5; round++) expect(await damagesOf(store)).toEqual([])
    isOver = true
    await traffic
  })
})

describe('a segment that is gone', () => {
  it('is named by every check, until a repair lets the index forget it', async () => {
    using directory = dataDirectory()
    {
      await using store = await openStore(directory.path, { options: SMALL })
      for (let at = 0; at < 12; at++) await store.blobStore.write(Buffer.alloc(60_000))
      await fileMessage(store, 0, 100)
    }
    rmSync(segmentsOf(directory.path)[1] as string)
    await using store = await openStore(directory.path, { options: SMALL })
    for (const repair of [false, true]) {
      const found = await damagesOf(store, repair)
      expect(found).toEqual(['the index knows this segment and it is gone: the messages in it are lost'])
    }
    expect(await damagesOf(store)).toEqual([])
    expect(await checkMessages(store)).toEqual([1])
  })
})
