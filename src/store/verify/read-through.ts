import { MailError } from '../../errors/mail-error.ts'
import type { BlobRef, BlobStore } from '../blob-store.ts'
import { count, type VerifyContext } from './verify-context.ts'

/** A blob up to this size is read with others. */
const MAX_WHOLE_BYTES = 1024 * 1024
/** Results that are remembered. */
const MAX_REMEMBERED = 500_000

/** A blob to read, with the size that it should have. */
export interface BlobToRead {
  readonly blob: BlobRef
  readonly size: number
}

/** Reads blobs through, each once, and notes in `context.read` their size, or why they cannot be read. */
export async function readThrough(context: VerifyContext, wanted: readonly BlobToRead[]): Promise<void> {
  if (context.read.size > MAX_REMEMBERED) context.read.clear()
  const missing = wanted.filter(({ blob }) => !context.read.has(blob))
  await readSmall(context, [...new Set(missing.filter(({ size }) => size <= MAX_WHOLE_BYTES).map(({ blob }) => blob))])
  for (const { blob } of missing) {
    context.signal?.throwIfAborted()
    if (!context.read.has(blob)) note(context, blob, await sizeOrFault(context.store.blobs, blob))
  }
}

/** Many at a time; one that cannot be read ends a round, and the next begins behind it. */
async function readSmall(context: VerifyContext, blobs: readonly BlobRef[]): Promise<void> {
  for (let at = 0; at < blobs.length; ) {
    context.signal?.throwIfAborted()
    try {
      for await (const batch of context.store.blobs.readMany(blobs.slice(at))) {
        for (const [blob, bytes] of batch) note(context, blob, bytes.length)
        at += batch.length
      }
    } catch (error) {
      note(context, blobs[at] as BlobRef, faultOf(error))
      at += 1
    }
  }
}

async function sizeOrFault(blobs: BlobStore, blob: BlobRef): Promise<number | Error> {
  try {
    let size = 0
    for await (const chunk of blobs.stream(blob) as AsyncIterable<Buffer>) size += chunk.length
    return size
  } catch (error) {
    return faultOf(error)
  }
}

function note(context: VerifyContext, blob: BlobRef, found: number | Error): void {
  context.read.set(blob, found)
  count(context, 'blobs')
}

const faultOf = (error: unknown): Error =>
  error instanceof Error ? error : new MailError('UNAVAILABLE', String(error))
