import { MailError } from '../../errors/mail-error.ts'
import type { BlobRef } from '../blob-store.ts'
import type { StoreContext } from '../store-context.ts'
import { count, type VerifyContext } from './verify-context.ts'

/** Blobs that are read at the same time. */
const AT_ONCE = 4
/** Results that are remembered. */
const MAX_REMEMBERED = 500_000

/** Reads blobs through, each once, and notes in `context.read` which of them cannot be. */
export async function readThrough(context: VerifyContext, blobs: readonly BlobRef[]): Promise<void> {
  if (context.read.size > MAX_REMEMBERED) context.read.clear()
  const waiting = [...new Set(blobs)].filter((blob) => !context.read.has(blob))
  const work = async () => {
    for (let blob = waiting.shift(); blob !== undefined; blob = waiting.shift()) {
      context.signal?.throwIfAborted()
      context.read.set(blob, await sizeOrFault(context.store, blob))
      count(context, 'blobs')
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

/** Octets of a blob when every one of them can be read, or what is wrong. */
export async function sizeOrFault({ blobs }: Pick<StoreContext, 'blobs'>, blob: BlobRef): Promise<number | Error> {
  try {
    let size = 0
    for await (const chunk of blobs.stream(blob) as AsyncIterable<Buffer>) size += chunk.length
    return size
  } catch (error) {
    return error instanceof Error ? error : new MailError('UNAVAILABLE', String(error))
  }
}
