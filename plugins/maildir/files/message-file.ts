import type { FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { type BlobRange, type BlobRef, type BlobStore, MailError, type MessageIndex, MessageIndexer } from 'mailserver'
import { faultOf } from '../faults.ts'
import { createAnew, createFile, openRegular, removeFile } from './disk.ts'
import { CrlfTransform, LfTransform, withCrlf, withLf } from './line-ends.ts'

/** Up to this size a message is handled in one piece. */
const WHOLE_BYTES = 1024 * 1024
const CHUNK = 64 * 1024

/** What the name of a message's file says of it. */
export interface WrittenFile {
  /** Octets of the file. */
  readonly size: number
}

/** The store cannot read the octets of a message, whatever becomes of its file. */
export class UnreadableBlob extends Error {
  override readonly name = 'UnreadableBlob'
}

const unreadable = (cause: unknown): never => {
  throw new UnreadableBlob(`a blob cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause })
}

/** Octets of a blob. What is thrown tells faults of the store from those of the file that they are written to. */
async function* chunksOf(blobs: BlobStore, blob: BlobRef): AsyncGenerator<Buffer> {
  const chunks = blobs.stream(blob)[Symbol.asyncIterator]()
  try {
    for (let next = await chunks.next().catch(unreadable); !next.done; next = await chunks.next().catch(unreadable)) {
      yield next.value as Buffer
    }
  } finally {
    await chunks.return?.()
  }
}

/** Can all octets of a blob be read? */
export async function isReadable(blobs: BlobStore, blob: BlobRef): Promise<boolean> {
  try {
    for await (const _ of chunksOf(blobs, blob));
    return true
  } catch {
    return false
  }
}

/**
 * Writes a blob as a message file that is on disk when it resolves; the name is not.
 * @param size octets of the blob @param mtime INTERNALDATE, milliseconds since the epoch
 */
export async function writeMessage(
  blobs: BlobStore,
  blob: BlobRef,
  path: string,
  { size, mtime }: { readonly size: number; readonly mtime: number },
): Promise<WrittenFile> {
  if (size > WHOLE_BYTES) {
    // Left by an earlier try.
    await removeFile(path)
    return writeLarge(blobs, blob, path, mtime)
  }
  const bytes = await blobs.read(blob).catch(unreadable)
  const written = withLf(bytes) ?? bytes
  await writeSmall(path, written, mtime)
  return { size: written.length }
}

/**
 * None of this on the thread of the sessions: to make a file waits for the file system's journal, which the syncs of other
 * files keep busy.
 */
async function writeSmall(path: string, bytes: Buffer, mtime: number): Promise<void> {
  const handle = await createAnew(path)
  try {
    await handle.writeFile(bytes)
    await handle.utimes(new Date(), new Date(mtime))
    // Not of the data alone: its time is its INTERNALDATE.
    await handle.sync()
  } catch (cause) {
    await removeFile(path)
    throw cause
  } finally {
    await handle.close()
  }
}

async function writeLarge(blobs: BlobStore, blob: BlobRef, path: string, mtime: number): Promise<WrittenFile> {
  const lf = new LfTransform()
  const size = await fill(path, mtime, async (handle) => {
    await pipeline(chunksOf(blobs, blob), lf, (source) => writeAll(handle, source))
  })
  if (lf.isExact) return { size }
  await removeFile(path)
  const plain = await fill(path, mtime, async (handle) => {
    await pipeline(chunksOf(blobs, blob), (source) => writeAll(handle, source))
  })
  return { size: plain }
}

async function writeAll(handle: FileHandle, source: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of source) await handle.writeFile(chunk)
}

async function fill(path: string, mtime: number, write: (handle: FileHandle) => Promise<void>): Promise<number> {
  const handle = await createFile(path)
  try {
    await write(handle)
    // Its INTERNALDATE, as Dovecot and others keep it.
    await handle.utimes(new Date(), new Date(mtime))
    await handle.sync()
    return (await handle.stat()).size
  } catch (cause) {
    await removeFile(path)
    throw cause
  } finally {
    await handle.close()
  }
}

/**
 * Octets of a message file, with the line ends that the store knows it with: `size` of them when nobody has changed the
 * file in place.
 * @throws MailError NOT_FOUND, UNAVAILABLE
 */
export async function readMessage(path: string, size: number, range?: BlobRange): Promise<Buffer> {
  const { start = 0, end = Number.POSITIVE_INFINITY } = range ?? {}
  try {
    const handle = await openRegular(path)
    try {
      const { size: onDisk } = await handle.stat()
      if (onDisk === size) {
        const length = Math.max(0, Math.min(end, size) - start)
        const bytes = Buffer.allocUnsafe(length)
        const { bytesRead } = length === 0 ? { bytesRead: 0 } : await handle.read(bytes, 0, length, start)
        return bytes.subarray(0, bytesRead)
      }
      if (onDisk <= WHOLE_BYTES) return withCrlf(await handle.readFile()).subarray(start, end)
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw faultOf(cause, 'a message cannot be read')
  }
  const pieces: Buffer[] = []
  for await (const piece of streamMessage(path, size, range)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The same piece by piece. */
export async function* streamMessage(path: string, size: number, range?: BlobRange): AsyncIterable<Buffer> {
  const { start = 0, end = Number.POSITIVE_INFINITY } = range ?? {}
  if (start >= end) return
  let handle: FileHandle | undefined
  try {
    handle = await openRegular(path)
    const isAsKnown = (await handle.stat()).size === size
    const skip = isAsKnown ? 0 : start
    const source = handle.createReadStream({ start: isAsKnown ? start : 0, highWaterMark: CHUNK, autoClose: false })
    let at = isAsKnown ? start : 0
    for await (const chunk of isAsKnown ? source : source.pipe(new CrlfTransform())) {
      const bytes = chunk as Buffer
      const from = Math.max(0, skip - at)
      const to = Math.min(bytes.length, end - at)
      at += bytes.length
      if (from < to) yield bytes.subarray(from, to)
      if (at >= end) break
    }
    source.destroy()
  } catch (cause) {
    throw faultOf(cause, 'a message cannot be read')
  } finally {
    await handle?.close()
  }
}

/** Reads a file that another program has put there. @throws MailError NOT_FOUND, UNAVAILABLE */
export async function indexFile(path: string): Promise<{ readonly index: MessageIndex; readonly mtime: number }> {
  try {
    const handle = await openRegular(path)
    try {
      const { mtimeMs, size } = await handle.stat()
      const indexer = new MessageIndexer()
      if (size <= WHOLE_BYTES) indexer.write(withCrlf(await handle.readFile()))
      else {
        const source = handle.createReadStream({ highWaterMark: CHUNK, autoClose: false })
        for await (const chunk of source.pipe(new CrlfTransform())) indexer.write(chunk as Buffer)
      }
      return { index: indexer.finish(), mtime: Math.floor(mtimeMs) }
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw faultOf(cause, 'a message cannot be read')
  }
}

export const notFound = (ref: string): MailError => new MailError('NOT_FOUND', `there is no message ${ref}`)
