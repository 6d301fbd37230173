import { randomBytes } from 'node:crypto'
import { cpSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BlobRef, codeOf, key, type Log } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { layoutOf } from '../../../plugins/level/layout.ts'
import { encodeCommit } from '../../../plugins/level/segments/commit-frame.ts'
import { encodeHead, FRAME } from '../../../plugins/level/segments/frame.ts'
import { surveySegment } from '../../../plugins/level/segments/segment-survey.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { dataDirectory, type OpenedStore, openStore } from './open-store.ts'
import { indexOf, logOf, replaceDirectory, segmentsOf, storeOf } from './store-files.ts'
import { checkMessages, fileMessage } from './traffic.ts'

/** A log that keeps what is said of damage. */
function damageLog(): { readonly log: Log; readonly found: { file: string; offset: number }[] } {
  const found: { file: string; offset: number }[] = []
  const log: Log = { ...silentLog, error: (fields) => found.push(fields as never), child: () => log }
  return { log, found }
}

async function fileMany(store: OpenedStore, count: number, size = 700): Promise<void> {
  for (let at = 0; at < count; at++) await fileMessage(store, at % 3, size + at)
}

/**
 * What a power failure may leave: the segments as the running store has them, the index as it was when it began. The
 * store is closed after the copy is taken, so that nothing of closing is in it.
 */
async function crashed(dataDir: string, copy: string, traffic: (store: OpenedStore) => Promise<void>): Promise<void> {
  const store = await openStore(dataDir)
  cpSync(indexOf(dataDir), join(copy, 'index'), { recursive: true })
  await traffic(store)
  cpSync(logOf(dataDir), join(copy, 'log'), { recursive: true })
  await store.close()
  replaceDirectory(join(copy, 'index'), indexOf(dataDir))
  replaceDirectory(join(copy, 'log'), logOf(dataDir))
}

const NOWHERE = { sequence: 0n, end: 0, tally: { frames: 0, bytes: 0 }, synced: 0, isSealed: false }

const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0)

describe('replay of the log', () => {
  it('brings an index that was restored from an older copy up to the last commit', async () => {
    using directory = dataDirectory()
    using old = dataDirectory()
    {
      await using store = await openStore(directory.path, { options: { segmentSize: 100_000 } })
      await fileMany(store, 40)
    }
    cpSync(indexOf(directory.path), old.path, { recursive: true })
    for (let round = 0; round < 3; round++) {
      await using store = await openStore(directory.path, { options: { segmentSize: 100_000 } })
      await fileMany(store, 60, 5_000)
      // A message at the end keeps the last segment, which a commit alone would not.
      await store.blobStore.write(Buffer.from('kept'))
    }
    replaceDirectory(old.path, indexOf(directory.path))
    await using store = await openStore(directory.path)
    expect(total(await checkMessages(store))).toBe(220)
  })

  it('says which segment it misses when that was deleted since the copy was taken', async () => {
    using directory = dataDirectory()
    using old = dataDirectory()
    const options = { segmentSize: 20_000 }
    await (await openStore(directory.path)).close()
    cpSync(indexOf(directory.path), old.path, { recursive: true })
    for (let round = 0; round < 2; round++) {
      await using store = await openStore(directory.path, { options })
      await store.engine.transact(['s'], async (tx) => tx.put(Buffer.from(`round ${round}`), Buffer.alloc(20_000)))
      await fileMany(store, 3)
    }
    const { log, found } = damageLog()
    await (await openStore(directory.path, { log })).close()
    expect(found).toEqual([])
    replaceDirectory(old.path, indexOf(directory.path))
    await using store = await openStore(directory.path, { log })
    expect(found.map(({ file }) => file)).toContain(join(logOf(directory.path), '00000000.seg'))
    expect(total(await checkMessages(store))).toBe(6)
  })

  it('builds the whole index anew when its directory is gone', async () => {
    using directory = dataDirectory()
    {
      await using store = await openStore(directory.path, { options: { segmentSize: 50_000 } })
      await fileMany(store, 120)
      await store.engine.transact(['s'], async (tx) => tx.delete(key('message', 0, 0)))
      await store.engine.transact(['s'], async (tx) => tx.put(key('message', 0, 0), Buffer.from('last word')))
    }
    rmSync(indexOf(directory.path), { recursive: true })
    await using store = await openStore(directory.path)
    expect(total(await checkMessages(store, { blobs: false }))).toBe(120)
    expect((await store.engine.get(key('message', 0, 0)))?.toString()).toBe('last word')
  })

  it('opens a copy that was taken of a running store, the index before the log', async () => {
    using directory = dataDirectory()
    using copy = dataDirectory()
    await using store = await openStore(directory.path, { options: { writeBufferSize: 100_000 } })
    await fileMany(store, 50)
    let isOver = false
    const traffic = Promise.all(
      [0, 1, 2].map(async (writer) => {
        while (!isOver) await fileMessage(store, writer, 3_000)
      }),
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    cpSync(join(storeOf(directory.path), 'VERSION'), join(storeOf(copy.path), 'VERSION'))
    cpSync(indexOf(directory.path), indexOf(copy.path), { recursive: true })
    cpSync(logOf(directory.path), logOf(copy.path), { recursive: true })
    isOver = true
    await traffic
    await using opened = await openStore(copy.path)
    expect(total(await checkMessages(opened))).toBeGreaterThan(50)
  })

  it('goes on after a stop in the middle of a replay', async () => {
    using directory = dataDirectory()
    using copy = dataDirectory()
    await crashed(directory.path, copy.path, (store) => fileMany(store, 60))
    for (let round = 0; round < 3; round++) {
      const store = await openStore(directory.path)
      expect(total(await checkMessages(store))).toBe(60)
      await store.close()
      replaceDirectory(join(copy.path, 'index'), indexOf(directory.path))
    }
  })
})

describe('the torn end of a segment', () => {
  it('is cut off, whatever byte it ends at, and everything acknowledged before it is there', async () => {
    using directory = dataDirectory()
    using copy = dataDirectory()
    await crashed(directory.path, copy.path, (store) => fileMany(store, 5, 40))
    const [segment] = segmentsOf(directory.path) as [string]
    const whole = readFileSync(segment)
    const firstFrame = whole.subarray(0, 8)
    const frames: number[] = []
    for (let at = whole.indexOf(firstFrame); at !== -1; at = whole.indexOf(firstFrame, at + 1)) frames.push(at)
    const boundaries = [...frames, whole.length]
    // The last two messages: a blob and a commit each.
    for (let end = frames.at(-4) as number; end < whole.length; end++) {
      writeFileSync(segment, whole.subarray(0, end))
      const survey = surveySegment(layoutOf(storeOf(directory.path)), 0, NOWHERE)
      expect(survey.end, `cut at ${end}`).toBe(boundaries.findLast((boundary) => boundary <= end))
      expect(survey.damages).toEqual([])
    }
    for (const end of boundaries
      .slice(-5, -1)
      .flatMap((boundary) => [boundary, boundary + 1, boundary + 19, boundary + 45])) {
      replaceDirectory(join(copy.path, 'index'), indexOf(directory.path))
      replaceDirectory(join(copy.path, 'log'), logOf(directory.path))
      truncateSync(segment, end)
      const { log, found } = damageLog()
      await using store = await openStore(directory.path, { log })
      expect(total(await checkMessages(store)), `cut at ${end}`).toBe(end < (frames.at(-2) as number) ? 3 : 4)
      expect(found).toEqual([])
      await fileMessage(store, 0, 10)
    }
  }, 60_000)

  it('may be zeros or rubbish, where pages of the last write never reached the disk', async () => {
    using directory = dataDirectory()
    using copy = dataDirectory()
    await crashed(directory.path, copy.path, (store) => fileMany(store, 8))
    const [segment] = segmentsOf(directory.path) as [string]
    const whole = readFileSync(join(copy.path, 'log', '00000000.seg'))
    const marker = whole.subarray(0, 8)
    const lastBlob = whole.lastIndexOf(marker, whole.lastIndexOf(marker) - 1)
    for (const fill of [0, 0xa7]) {
      replaceDirectory(join(copy.path, 'index'), indexOf(directory.path))
      // The head of the last blob is lost, the commit that names it is not.
      writeFileSync(
        segment,
        Buffer.concat([whole.subarray(0, lastBlob), Buffer.alloc(40, fill), whole.subarray(lastBlob + 40)]),
      )
      const { log, found } = damageLog()
      await using store = await openStore(directory.path, { log })
      expect(total(await checkMessages(store))).toBe(7)
      expect(found).toEqual([])
      expect(statSync(segment).size).toBeLessThan(whole.length)
    }
  })
})

describe('a flipped bit', () => {
  it('in a message is found when the message is read, named, and costs nothing else', async () => {
    using directory = dataDirectory()
    const bytes = Buffer.alloc(100_000, 'the text of a message\r\n')
    let refs: BlobRef[]
    {
      await using store = await openStore(directory.path)
      refs = [
        await store.blobStore.write(bytes),
        await store.blobStore.write(bytes),
        await store.blobStore.write(bytes),
      ]
      await fileMany(store, 3)
    }
    const [segment] = segmentsOf(directory.path) as [string]
    const content = readFileSync(segment)
    const second = content.indexOf(content.subarray(0, 8), 1)
    const at = second + 60_000
    content[at] = (content[at] as number) ^ 4
    writeFileSync(segment, content)
    await using store = await openStore(directory.path)
    const [first, damaged, third] = refs as [BlobRef, BlobRef, BlobRef]
    const failure = await store.blobStore.read(damaged).catch((error: unknown) => error)
    expect(codeOf(failure)).toBe('CORRUPT')
    expect((failure as Error).message).toContain(segment)
    expect((failure as Error).message).toContain(`offset ${second}`)
    const { blobStore } = store
    expect((await blobStore.read(damaged, { start: 0, end: 30_000 })).equals(bytes.subarray(0, 30_000))).toBe(true)
    expect((await blobStore.read(first)).equals(bytes)).toBe(true)
    expect((await blobStore.read(third)).equals(bytes)).toBe(true)
    expect(total(await checkMessages(store))).toBe(3)
  })

  it('in the part of the log that is replayed is named and passed over', async () => {
    using directory = dataDirectory()
    using copy = dataDirectory()
    await crashed(directory.path, copy.path, (store) => fileMany(store, 9, 100))
    const [segment] = segmentsOf(directory.path) as [string]
    const whole = readFileSync(segment)
    const marker = whole.subarray(0, 8)
    const frames: number[] = []
    for (let at = 0; at !== -1; at = whole.indexOf(marker, at + 1)) frames.push(at)
    // A head, a payload and a marker, of an early commit: many more were acknowledged after it.
    const commit = frames[5] as number
    for (const at of [commit + 13, commit + 60, commit + 2]) {
      replaceDirectory(join(copy.path, 'index'), indexOf(directory.path))
      const content = Buffer.from(whole)
      content[at] = (content[at] as number) ^ 1
      writeFileSync(segment, content)
      const { log, found } = damageLog()
      await using store = await openStore(directory.path, { log })
      expect(found).toMatchObject([{ file: segment, offset: commit }])
      expect(await store.engine.get(key('sum', 2, 0))).toBeUndefined()
      for (const writer of [0, 1, 2]) {
        expect(await store.engine.get(key('message', writer, 2)), `writer ${writer}`).toBeDefined()
      }
    }
  })
})

describe('a message that holds what looks like the log', () => {
  /** Damages the head of the message's own frame, so that recovery searches for the next. Returns what it brings back. */
  async function forge(markerOf: (segment: Buffer) => Buffer): Promise<Buffer | undefined> {
    using directory = dataDirectory()
    using copy = dataDirectory()
    await crashed(directory.path, copy.path, (store) => fileMany(store, 2, 100))
    const [segment] = segmentsOf(directory.path) as [string]
    const log = readFileSync(segment)
    const marker = log.subarray(0, 8)
    const secondBlob = log.indexOf(marker, log.indexOf(marker, 1) + 1)
    const place = { segment: 0, offset: secondBlob + 30 }
    const op = { key: Buffer.from('forged'), value: Buffer.from('entry') }
    const commit = encodeCommit({ sequence: 900n, syncedEnd: log.length, dependencies: [], ops: [op] })
    const head = encodeHead(markerOf(log), place, FRAME.commit, commit)
    log.fill(0, secondBlob, place.offset)
    head.copy(log, place.offset)
    commit.copy(log, place.offset + head.length)
    writeFileSync(segment, log)
    await using store = await openStore(directory.path)
    expect(await store.engine.get(key('count', 0))).toBeDefined()
    return store.engine.get(op.key)
  }

  it('brings nothing into the index when the log around it is damaged', async () => {
    expect(await forge(() => randomBytes(8))).toBeUndefined()
  })

  it('would bring something in if its sender knew the marker of the store', async () => {
    expect((await forge((log) => log.subarray(0, 8)))?.toString()).toBe('entry')
  })
})
