import { MailError } from '../../errors/mail-error.ts'
import type { BlobRef, BlobStore } from '../blob-store.ts'
import type { PackWriter } from './pack-writer.ts'

/** A blob larger than this is copied in pieces. */
const MAX_WHOLE_BYTES = 4 * 1024 * 1024
/** Digests that are remembered, for messages that share their bytes. */
const MAX_REMEMBERED = 200_000

/** Copies blobs of the store into a backup, each once in a run. */
export class BlobCopies {
  readonly #blobs: BlobStore
  readonly #packs: PackWriter
  readonly #digests = new Map<BlobRef, string>()

  constructor(blobs: BlobStore, packs: PackWriter) {
    this.#blobs = blobs
    this.#packs = packs
  }

  /**
   * The SHA-256 of each blob, in hexadecimal, once it is in the backup; the error where it cannot be read.
   * @param wanted with their sizes, as far as they are known
   */
  async copy(
    wanted: readonly { readonly blob: BlobRef; readonly size: number }[],
  ): Promise<readonly (string | Error)[]> {
    if (this.#digests.size > MAX_REMEMBERED) this.#digests.clear()
    const failed = new Map<BlobRef, Error>()
    const missing = wanted.filter(({ blob }) => !this.#digests.has(blob))
    await this.#small(
      [...new Set(missing.filter(({ size }) => size <= MAX_WHOLE_BYTES).map(({ blob }) => blob))],
      failed,
    )
    for (const { blob, size } of missing) {
      if (size <= MAX_WHOLE_BYTES || this.#digests.has(blob)) continue
      try {
        const { digest } = await this.#packs.addStream(this.#blobs.stream(blob))
        this.#digests.set(blob, digest.toString('hex'))
      } catch (error) {
        failed.set(blob, fault(error))
      }
    }
    return wanted.map(({ blob }) => this.#digests.get(blob) ?? failed.get(blob) ?? new Error(`${blob} was not read`))
  }

  /** Read many at a time; one that cannot be read ends a round, and the next begins behind it. */
  async #small(blobs: readonly BlobRef[], failed: Map<BlobRef, Error>): Promise<void> {
    for (let at = 0; at < blobs.length; ) {
      try {
        for await (const batch of this.#blobs.readMany(blobs.slice(at))) {
          for (const [blob, bytes] of batch) {
            // Bytes of a batch share memory that the driver may use again.
            const digest = await this.#packs.add(Buffer.from(bytes))
            this.#digests.set(blob, digest.toString('hex'))
            at += 1
          }
        }
      } catch (error) {
        if (!(error instanceof MailError) || error.code === 'STORE_FULL') throw error
        failed.set(blobs[at] as BlobRef, error)
        at += 1
      }
    }
  }
}

function fault(error: unknown): Error {
  if (error instanceof MailError) return error
  throw error
}
