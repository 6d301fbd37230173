import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { codeOf } from '../errors/mail-error.ts'
import type { BlobRange, BlobRef, BlobStore, WantedRange } from '../store/blob-store.ts'
import type { ContractTest } from './contract.ts'

/** A BlobStore to check, and how to end it. Each test opens an empty one. */
export interface OpenedBlobStore {
  readonly blobStore: BlobStore
  close(): Promise<void>
}

type Check = (store: BlobStore) => Promise<void>

const random = (size: number) => randomFillSync(Buffer.allocUnsafe(size))

async function streamed(store: BlobStore, ref: BlobRef, range?: BlobRange): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of store.stream(ref, range)) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

async function readAll(store: BlobStore, refs: readonly BlobRef[]): Promise<(readonly [BlobRef, Buffer])[]> {
  const read: (readonly [BlobRef, Buffer])[] = []
  for await (const batch of store.readMany(refs)) read.push(...batch)
  return read
}

async function writeIn(store: BlobStore, bytes: Buffer, chunk: number): Promise<BlobRef> {
  const writer = await store.writer()
  for (let at = 0; at < bytes.length; at += chunk) await writer.write(bytes.subarray(at, at + chunk))
  assert.equal(writer.size, bytes.length)
  return writer.finish()
}

/** Sizes at and around the limits that drivers are likely to have. */
const SIZES = [
  0, 1, 2_000, 4_096, 32_767, 32_768, 32_769, 65_536, 131_071, 131_072, 131_073, 262_144, 262_145, 3_000_001,
]

const CHECKS: readonly (readonly [title: string, check: Check])[] = [
  [
    'reads back blobs of every size, whole and as a stream',
    async (store) => {
      for (const size of SIZES) {
        const bytes = random(size)
        const written = await store.write(bytes)
        const streamedIn = await writeIn(store, bytes, 16_384)
        for (const ref of [written, streamedIn]) {
          assert.ok((await store.read(ref)).equals(bytes), `read of ${size}`)
          assert.ok((await streamed(store, ref)).equals(bytes), `stream of ${size}`)
        }
      }
    },
  ],
  [
    'takes chunks of any size and keeps no reference to them',
    async (store) => {
      const bytes = random(400_000)
      for (const chunk of [7_001, 65_536, 131_072, 400_000]) {
        const writer = await store.writer()
        for (let at = 0; at < bytes.length; at += chunk) {
          const piece = Buffer.from(bytes.subarray(at, at + chunk))
          await writer.write(piece)
          piece.fill(0)
        }
        assert.ok((await store.read(await writer.finish())).equals(bytes), `chunks of ${chunk}`)
      }
    },
  ],
  [
    'keeps no reference to what was written at once',
    async (store) => {
      for (const size of [10, 50_000, 300_000]) {
        const bytes = random(size)
        const given = Buffer.from(bytes)
        const ref = await store.write(given)
        given.fill(0)
        assert.ok((await store.read(ref)).equals(bytes), `read of ${size}`)
      }
    },
  ],
  [
    'reads ranges, and only what there is of them',
    async (store) => {
      for (const size of [10, 40_000, 300_000]) {
        const bytes = random(size)
        const ref = await store.write(bytes)
        const ranges: BlobRange[] = [
          { start: 0 },
          { start: 0, end: 1 },
          { start: 5, end: 9 },
          { start: size - 1 },
          { start: size - 3, end: size + 100 },
          { start: size },
          { start: size + 50, end: size + 60 },
          { start: 7, end: 7 },
          { start: Math.floor(size / 3), end: Math.floor(size / 2) },
        ]
        for (const range of ranges) {
          const expected = bytes.subarray(range.start, range.end)
          assert.ok((await store.read(ref, range)).equals(expected), `read ${size} ${JSON.stringify(range)}`)
          assert.ok((await streamed(store, ref, range)).equals(expected), `stream ${size} ${JSON.stringify(range)}`)
        }
      }
    },
  ],
  [
    'keeps blobs apart whose writers take turns',
    async (store) => {
      const blobs = Array.from({ length: 12 }, (_, at) => random(1_000 + at * 70_000))
      const writers = await Promise.all(blobs.map(() => store.writer()))
      for (let at = 0; at < 800_000; at += 50_000) {
        await Promise.all(
          writers.map((writer, each) => writer.write((blobs[each] as Buffer).subarray(at, at + 50_000))),
        )
      }
      const refs = await Promise.all(writers.map((writer) => writer.finish()))
      assert.equal(new Set(refs).size, refs.length)
      for (const [each, ref] of refs.entries()) assert.ok((await store.read(ref)).equals(blobs[each] as Buffer))
    },
  ],
  [
    'reads many at the same time',
    async (store) => {
      const blobs = Array.from({ length: 60 }, (_, at) => random(at * 3_000))
      const refs = await Promise.all(blobs.map((bytes) => store.write(bytes)))
      const read = await Promise.all(refs.map((ref) => store.read(ref)))
      for (const [at, bytes] of read.entries()) assert.ok(bytes.equals(blobs[at] as Buffer))
    },
  ],
  [
    'reads many in the order they are asked for, each whole, also twice',
    async (store) => {
      const blobs = Array.from({ length: 150 }, (_, at) => random(at % 10 === 0 ? at * 3_000 : at * 50))
      const refs: BlobRef[] = []
      for (const bytes of blobs) refs.push(await store.write(bytes))
      const orders = [
        refs.map((_, at) => at),
        refs.map((_, at) => refs.length - 1 - at),
        refs.map((_, at) => (at * 37) % refs.length),
        [5, 5, 6, 6, 5],
        [],
      ]
      for (const order of orders) {
        const read = await readAll(
          store,
          order.map((at) => refs[at] as BlobRef),
        )
        assert.deepEqual(
          read.map(([ref]) => ref),
          order.map((at) => refs[at]),
        )
        for (const [at, [, bytes]] of read.entries()) assert.ok(bytes.equals(blobs[order[at] as number] as Buffer))
      }
    },
  ],
  [
    'gives everything before a blob that is not there, and then says so',
    async (store) => {
      const blobs = [random(400), random(70_000), random(400)]
      const refs = await Promise.all(blobs.map((bytes) => store.write(bytes)))
      const asked = [...refs, 'nonsense' as BlobRef, ...refs]
      const read: Buffer[] = []
      const reading = async () => {
        for await (const batch of store.readMany(asked)) for (const [, bytes] of batch) read.push(bytes)
      }
      assert.equal(await codeFrom(reading()), 'NOT_FOUND')
      assert.equal(read.length, 3)
      for (const [at, bytes] of read.entries()) assert.ok(bytes.equals(blobs[at] as Buffer))
    },
  ],
  [
    'reads many in batches of a bounded size, and stops when it is left early',
    async (store) => {
      const bytes = random(100_000)
      const refs: BlobRef[] = []
      for (let at = 0; at < 60; at++) refs.push(await store.write(bytes))
      for await (const batch of store.readMany(refs)) {
        const size = batch.reduce((sum, [, { length }]) => sum + length, 0)
        assert.ok(size <= 2_000_000, `a batch of ${size} octets`)
        if (batch.some(([ref]) => ref === refs[30])) break
      }
      assert.ok((await store.read(refs[59] as BlobRef)).equals(bytes))
    },
  ],
  [
    'reads ranges of many in the order they are asked for, and only what there is of them',
    async (store) => {
      const blobs = Array.from({ length: 80 }, (_, at) => random(at % 10 === 0 ? at * 6_000 : at * 150))
      const refs: BlobRef[] = []
      for (const bytes of blobs) refs.push(await store.write(bytes))
      const ranges: (BlobRange | undefined)[] = [
        { start: 0, end: 700 },
        { start: 0, end: 32_768 },
        { start: 300, end: 900 },
        { start: 40_000, end: 70_000 },
        { start: 100_000 },
        { start: 65_536, end: 65_536 },
        { start: 7, end: 7 },
        undefined,
      ]
      for (const step of [1, 37]) {
        const order = refs.map((_, at) => (at * step) % refs.length)
        for (const turn of ranges.keys()) {
          // The same range of all at first, then one after the other.
          const rangeOf = (at: number) => ranges[(turn + (step === 1 ? 0 : at)) % ranges.length]
          const wanted = order.map((blob, at): WantedRange => {
            const range = rangeOf(at)
            return { ref: refs[blob] as BlobRef, ...(range !== undefined && { range }) }
          })
          const read: (readonly [BlobRef, Buffer])[] = []
          for await (const batch of store.readRanges(wanted)) {
            for (const [ref, octets] of batch) read.push([ref, Buffer.from(octets)])
          }
          assert.deepEqual(
            read.map(([ref]) => ref),
            wanted.map(({ ref }) => ref),
          )
          for (const [at, [, bytes]] of read.entries()) {
            const expected = (blobs[order[at] as number] as Buffer).subarray(rangeOf(at)?.start ?? 0, rangeOf(at)?.end)
            assert.ok(bytes.equals(expected), `${JSON.stringify(rangeOf(at))} of ${blobs[order[at] as number]?.length}`)
          }
        }
      }
    },
  ],
  [
    'gives every range before a blob that is not there, and then says so',
    async (store) => {
      const ref = await store.write(random(400))
      const range = { start: 100, end: 200 }
      const read: Buffer[] = []
      const reading = async () => {
        const wanted = [ref, ref, 'nonsense' as BlobRef, ref].map((each) => ({ ref: each, range }))
        for await (const batch of store.readRanges(wanted)) for (const [, bytes] of batch) read.push(bytes)
      }
      assert.equal(await codeFrom(reading()), 'NOT_FOUND')
      assert.deepEqual(
        read.map(({ length }) => length),
        [100, 100],
      )
    },
  ],
  [
    'gives the same bytes twice a place of their own each',
    async (store) => {
      const bytes = random(500)
      const [first, second] = [await store.write(bytes), await store.write(bytes)]
      await store.release(first)
      assert.ok((await store.read(second)).equals(bytes))
    },
  ],
  [
    'names blobs by text that is safe in a key',
    async (store) => {
      for (const size of [10, 1_000_000]) assert.match(await store.write(random(size)), /^[\x21-\x7e]{1,100}$/)
    },
  ],
  [
    'says that a blob is not there which it never had',
    async (store) => {
      await store.write(random(10))
      for (const ref of ['nonsense', '', 'bzz.0.5', '../../etc/passwd'] as BlobRef[]) {
        assert.equal(await codeFrom(store.read(ref)), 'NOT_FOUND', ref)
        assert.equal(await codeFrom(streamed(store, ref)), 'NOT_FOUND', ref)
      }
    },
  ],
  [
    'forgets what a writer gave up, at any time and more than once',
    async (store) => {
      for (const size of [0, 10, 500_000]) {
        const writer = await store.writer()
        await writer.write(random(size))
        await writer.abort()
        await writer.abort()
        await assert.rejects(writer.finish())
        await assert.rejects(writer.write(random(1)))
      }
      const bytes = random(300_000)
      assert.ok((await store.read(await store.write(bytes))).equals(bytes))
    },
  ],
  [
    'takes nothing more once a blob is finished, and abort then changes nothing',
    async (store) => {
      const bytes = random(1_000)
      const writer = await store.writer()
      await writer.write(bytes)
      const ref = await writer.finish()
      await assert.rejects(writer.write(bytes))
      await assert.rejects(writer.finish())
      await writer.abort()
      assert.ok((await store.read(ref)).equals(bytes))
    },
  ],
  [
    'says when a blob is durable',
    async (store) => {
      for (const size of [10, 700_000]) await store.durable(await store.write(random(size)))
    },
  ],
  [
    'releases a blob as often as it is asked to, and leaves the others',
    async (store) => {
      const kept = random(200_000)
      const [large, small, other] = [
        await store.write(random(400_000)),
        await store.write(random(5)),
        await store.write(kept),
      ]
      for (const ref of [large, small, large, small]) await store.release(ref)
      await Promise.all([store.release(large), store.release(small)])
      assert.ok((await store.read(other)).equals(kept))
    },
  ],
  [
    'stops reading when a stream is left early',
    async (store) => {
      const ref = await store.write(random(2_000_000))
      for (let round = 0; round < 5; round++) {
        const stream = store.stream(ref)
        for await (const chunk of stream) {
          assert.ok((chunk as Buffer).length > 0)
          break
        }
        assert.ok(stream.destroyed)
      }
    },
  ],
]

/** What every BlobStore promises. Run each test with a function that opens an empty store. */
export const blobStoreContract: readonly ContractTest<OpenedBlobStore>[] = CHECKS.map(([title, check]) => ({
  title,
  async run(open) {
    const opened = await open()
    try {
      await check(opened.blobStore)
    } finally {
      await opened.close()
    }
  },
}))

async function codeFrom(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return codeOf(error)
  }
  return 'no error'
}
