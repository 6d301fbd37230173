import { MessageIndexer } from '../../mail/index-message.ts'
import type { MessageIndex } from '../../mail/message-index.ts'
import type { BlobRef, BlobStore } from '../blob-store.ts'
import type { Engine } from '../engine.ts'
import { blobDeadKey } from '../layout.ts'
import type { Packs } from './packs.ts'

/** A blob larger than this is brought in pieces. */
const MAX_WHOLE_BYTES = 1024 * 1024
/** Blobs that are remembered, for messages that share their bytes. */
const MAX_REMEMBERED = 50_000

export interface Brought {
  readonly blob: BlobRef
  readonly index: MessageIndex
}

/** Writes blobs of a backup into the store, each once in a run, and makes their index on the way. */
export class BringBlobs {
  readonly #packs: Packs
  readonly #blobs: BlobStore
  readonly #brought = new Map<string, BlobRef>()
  bytes = 0

  constructor(packs: Packs, blobs: BlobStore) {
    this.#packs = packs
    this.#blobs = blobs
  }

  /** @throws MailError NOT_FOUND, CORRUPT: the backup has lost it; STORE_FULL, UNAVAILABLE */
  async bring(sha256: string): Promise<Brought> {
    const digest = Buffer.from(sha256, 'hex')
    const known = this.#brought.get(sha256)
    const place = this.#packs.find(digest)
    const indexer = new MessageIndexer()
    if (known !== undefined) {
      for await (const piece of this.#packs.stream(digest)) indexer.write(piece)
      return { blob: known, index: indexer.finish() }
    }
    const blob =
      place !== undefined && place.size > MAX_WHOLE_BYTES
        ? await this.#inPieces(digest, indexer)
        : await this.#whole(digest, indexer)
    await this.#blobs.durable(blob)
    if (this.#brought.size >= MAX_REMEMBERED) this.#brought.clear()
    this.#brought.set(sha256, blob)
    this.bytes += place?.size ?? 0
    return { blob, index: indexer.finish() }
  }

  /** Nobody came to need these: the collector looks at them, for others may. */
  async letGo(engine: Engine, blobs: readonly BlobRef[], at: number): Promise<void> {
    this.#brought.clear()
    await engine.transactRelaxed([], async (tx) => {
      for (const blob of blobs) tx.put(blobDeadKey(at, blob), Buffer.alloc(0))
    })
  }

  async #whole(digest: Buffer, indexer: MessageIndexer): Promise<BlobRef> {
    const bytes = await this.#packs.read(digest)
    indexer.write(bytes)
    return this.#blobs.write(bytes)
  }

  async #inPieces(digest: Buffer, indexer: MessageIndexer): Promise<BlobRef> {
    const writer = await this.#blobs.writer()
    try {
      for await (const piece of this.#packs.stream(digest)) {
        indexer.write(piece)
        await writer.write(piece)
      }
      return await writer.finish()
    } catch (error) {
      await writer.abort()
      throw error
    }
  }
}
