import type { Readable } from 'node:stream'
import { type BlobRange, type BlobRef, type BlobStore, type BlobWriter, MailError, type WantedRange } from 'mailserver'

/** The BlobStore that setup hands out: it works from start to stop. */
export class DeferredBlobStore implements BlobStore {
  #opened: BlobStore | undefined

  open(store: BlobStore): void {
    this.#opened = store
  }

  close(): void {
    this.#opened = undefined
  }

  async writer(): Promise<BlobWriter> {
    return this.#store.writer()
  }

  async write(bytes: Buffer): Promise<BlobRef> {
    return this.#store.write(bytes)
  }

  async read(ref: BlobRef, range?: BlobRange): Promise<Buffer> {
    return this.#store.read(ref, range)
  }

  async *readMany(refs: readonly BlobRef[]): AsyncGenerator<readonly (readonly [BlobRef, Buffer])[]> {
    yield* this.#store.readMany(refs)
  }

  async *readRanges(wanted: readonly WantedRange[]): AsyncGenerator<readonly (readonly [BlobRef, Buffer])[]> {
    yield* this.#store.readRanges(wanted)
  }

  stream(ref: BlobRef, range?: BlobRange): Readable {
    return this.#store.stream(ref, range)
  }

  async durable(ref: BlobRef): Promise<void> {
    return this.#store.durable(ref)
  }

  async release(ref: BlobRef): Promise<void> {
    return this.#store.release(ref)
  }

  get #store(): BlobStore {
    if (this.#opened === undefined) throw new MailError('UNAVAILABLE', 'the store is not open')
    return this.#opened
  }
}
