import { Readable } from 'node:stream'
import type { BlobRange, BlobRef, BlobStore, BlobWriter } from 'mailserver'
import type { Locator } from './locator.ts'
import { isMessageRef } from './names/message-ref.ts'

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

  async *readMany(refs: readonly BlobRef[]): AsyncIterable<readonly (readonly [ref: BlobRef, bytes: Buffer])[]> {
    for (let at = 0; at < refs.length; ) {
      const isOurs = isMessageRef(refs[at] as BlobRef)
      let end = at + 1
      while (end < refs.length && isMessageRef(refs[end] as BlobRef) === isOurs) end += 1
      const part = refs.slice(at, end)
      if (isOurs) for (const ref of part) yield [[ref, await this.#locator.read(ref)]]
      else yield* this.#inner.readMany(part)
      at = end
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
