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

  writer(): Promise<BlobWriter> {
    return this.#ask((store) => store.writer())
  }

  write(bytes: Buffer): Promise<BlobRef> {
    return this.#ask((store) => store.write(bytes))
  }

  read(ref: BlobRef, range?: BlobRange): Promise<Buffer> {
    return this.#ask((store) => store.read(ref, range))
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

  durable(ref: BlobRef): Promise<void> {
    return this.#ask((store) => store.durable(ref))
  }

  release(ref: BlobRef): Promise<void> {
    return this.#ask((store) => store.release(ref))
  }

  /** Not an async function: it would cost every message a few more turns of the microtask queue. */
  #ask<T>(fn: (store: BlobStore) => Promise<T>): Promise<T> {
    return this.#opened === undefined ? Promise.reject(notOpen()) : fn(this.#opened)
  }

  get #store(): BlobStore {
    if (this.#opened === undefined) throw notOpen()
    return this.#opened
  }
}

const notOpen = (): MailError => new MailError('UNAVAILABLE', 'the store is not open')
