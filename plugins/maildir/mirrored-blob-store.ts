import { Readable } from 'node:stream'
import type { BlobRange, BlobRef, BlobStore, BlobWriter, WantedRange } from 'mailserver'
import type { Locator } from './locator.ts'
import { isMessageRef, parseMessageRef } from './names/message-ref.ts'

type Batch = readonly (readonly [ref: BlobRef, bytes: Buffer])[]

/** What is read together at most. */
const MAX_FILES = 16
const MAX_BYTES = 1024 * 1024

/** The store's BlobStore, which can also read what is in a Maildir. What is written goes to the store. */
export class MirroredBlobStore implements BlobStore {
  readonly #inner: BlobStore
  readonly #locator: Locator

  constructor(inner: BlobStore, locator: Locator) {
    this.#inner = inner
    this.#locator = locator
  }

  writer(): Promise<BlobWriter> {
    return this.#inner.writer()
  }

  write(bytes: Buffer): Promise<BlobRef> {
    return this.#inner.write(bytes)
  }

  read(ref: BlobRef, range?: BlobRange): Promise<Buffer> {
    return isMessageRef(ref) ? this.#locator.read(ref, range) : this.#inner.read(ref, range)
  }

  readMany(refs: readonly BlobRef[]): AsyncIterable<Batch> {
    return this.#inTurn(
      refs.map((ref) => ({ ref })),
      (part) => this.#inner.readMany(part.map(({ ref }) => ref)),
    )
  }

  readRanges(wanted: readonly WantedRange[]): AsyncIterable<Batch> {
    return this.#inTurn(wanted, (part) => this.#inner.readRanges(part))
  }

  /** @param others reads those that are in the store and in no file */
  async *#inTurn(
    wanted: readonly WantedRange[],
    others: (part: readonly WantedRange[]) => AsyncIterable<Batch>,
  ): AsyncIterable<Batch> {
    const isOurs = (at: number) => isMessageRef((wanted[at] as WantedRange).ref)
    for (let at = 0; at < wanted.length; ) {
      let end = at + 1
      while (end < wanted.length && isOurs(end) === isOurs(at)) end += 1
      const part = wanted.slice(at, end)
      if (isOurs(at)) yield* this.#readFiles(part)
      else yield* others(part)
      at = end
    }
  }

  /** Several files at a time. What comes before one that cannot be read is delivered first. */
  async *#readFiles(wanted: readonly WantedRange[]): AsyncIterable<Batch> {
    for (let at = 0; at < wanted.length; ) {
      const batch = wanted.slice(at, at + batchSize(wanted, at))
      at += batch.length
      const read = await Promise.allSettled(batch.map(({ ref, range }) => this.#locator.read(ref, range)))
      const failed = read.findIndex(({ status }) => status === 'rejected')
      const whole = read.slice(0, failed === -1 ? undefined : failed) as PromiseFulfilledResult<Buffer>[]
      if (whole.length > 0) yield whole.map(({ value }, each) => [(batch[each] as WantedRange).ref, value] as const)
      if (failed !== -1) throw (read[failed] as PromiseRejectedResult).reason
    }
  }

  stream(ref: BlobRef, range?: BlobRange): Readable {
    if (!isMessageRef(ref)) return this.#inner.stream(ref, range)
    return Readable.from(this.#locator.stream(ref, range), { objectMode: false })
  }

  async durable(ref: BlobRef): Promise<void> {
    if (!isMessageRef(ref)) await this.#inner.durable(ref)
  }

  async release(ref: BlobRef): Promise<void> {
    // A message goes from its Maildir when it is expunged, not when nobody refers to it.
    if (!isMessageRef(ref)) await this.#inner.release(ref)
  }
}

/** How many messages from there on are read together: a megabyte of them, or one. */
function batchSize(wanted: readonly WantedRange[], from: number): number {
  let bytes = 0
  for (let count = 0; count < MAX_FILES; count++) {
    const next = wanted[from + count]
    bytes += next === undefined ? MAX_BYTES : octetsOf(next)
    if (bytes >= MAX_BYTES) return Math.max(1, count)
  }
  return MAX_FILES
}

function octetsOf({ ref, range }: WantedRange): number {
  const size = parseMessageRef(ref)?.size ?? 0
  return Math.max(0, Math.min(size, range?.end ?? size) - (range?.start ?? 0))
}
