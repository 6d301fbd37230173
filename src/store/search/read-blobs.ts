import { codeOf } from '../../errors/mail-error.ts'
import type { BlobRef, BlobStore } from '../blob-store.ts'

/**
 * The octets of small blobs in the order given, read ahead in large pieces; undefined for one that is gone or damaged.
 * @throws MailError UNAVAILABLE
 */
export async function* readBlobs(blobs: BlobStore, refs: readonly BlobRef[]): AsyncGenerator<Buffer | undefined> {
  let at = 0
  while (at < refs.length) {
    try {
      for await (const batch of blobs.readMany(refs.slice(at))) {
        for (const [, octets] of batch) {
          at += 1
          yield octets
        }
      }
      return
    } catch (cause) {
      if (!isLost(cause)) throw cause
      at += 1
      yield undefined
    }
  }
}

/** Is the blob gone or damaged? Anything else may be otherwise the next time. */
export function isLost(cause: unknown): boolean {
  const code = codeOf(cause)
  return code === 'NOT_FOUND' || code === 'CORRUPT'
}
