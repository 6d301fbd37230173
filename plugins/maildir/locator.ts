import { join } from 'node:path'
import {
  type AccountId,
  type BlobRange,
  type BlobRef,
  type BlobStore,
  codeOf,
  type Engine,
  type MailboxId,
} from 'mailserver'
import { namesIn } from './files/disk.ts'
import { notFound, readMessage, streamMessage } from './files/message-file.ts'
import { storedFolder, storedPath } from './layout.ts'
import { parseFileName } from './names/file-name.ts'
import { type MessageRef, parseMessageRef } from './names/message-ref.ts'
import { Sources } from './sources.ts'

/** Directories whose listing is remembered. */
const MAX_LISTINGS = 256
/** A message may be renamed while it is looked for; so often it is looked for again. */
const TRIES = 4

/** Where the files of a folder are, by key, relative to the folder. */
type Listing = Map<string, string>

/** Finds the file of a message, whatever it is called by now, and reads it. Used in every worker. */
export class Locator {
  readonly #engine: Engine
  readonly #blobs: BlobStore
  readonly #sources: Sources
  readonly #listings = new Map<string, Listing>()
  /** The keeper of this worker knows the names before anybody else. */
  known: ((account: AccountId, mailbox: MailboxId, key: string) => string | undefined) | undefined

  constructor(engine: Engine, blobs: BlobStore) {
    this.#engine = engine
    this.#blobs = blobs
    this.#sources = new Sources(engine)
  }

  /** @throws MailError NOT_FOUND, UNAVAILABLE */
  async read(ref: BlobRef, range?: BlobRange): Promise<Buffer> {
    const message = parseMessageRef(ref)
    if (message === undefined) throw notFound(ref)
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const path = await this.#pathOf(message, attempt > 0)
      try {
        if (path !== undefined) return await readMessage(path, message.size, range)
      } catch (error) {
        if (codeOf(error) !== 'NOT_FOUND') throw error
      }
      // Between a look at the folder and one at the journal it may come into its place, or leave the one that it is moved
      // from: then neither has it, and a second look finds it.
      const source = await this.#sources.of(message.account, ref)
      if (source === undefined) continue
      try {
        return await (parseMessageRef(source) === undefined
          ? this.#blobs.read(source, range)
          : this.read(source, range))
      } catch (error) {
        if (codeOf(error) !== 'NOT_FOUND') throw error
      }
    }
    throw notFound(ref)
  }

  async *stream(ref: BlobRef, range?: BlobRange): AsyncIterable<Buffer> {
    const message = parseMessageRef(ref)
    if (message === undefined) throw notFound(ref)
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const path = await this.#pathOf(message, attempt > 0)
      if (path !== undefined && (yield* ifFound(streamMessage(path, message.size, range)))) return
      const source = await this.#sources.of(message.account, ref)
      if (source === undefined) continue
      const isBlob = parseMessageRef(source) === undefined
      if (yield* ifFound(isBlob ? this.#blobs.stream(source, range) : this.stream(source, range))) return
    }
    throw notFound(ref)
  }

  async #pathOf({ account, mailbox, key }: MessageRef, isFresh: boolean): Promise<string | undefined> {
    const known = this.known?.(account, mailbox, key)
    if (known !== undefined && !isFresh) return known
    const [root, directory] = await Promise.all([
      storedPath(this.#engine, account),
      storedFolder(this.#engine, account, mailbox),
    ])
    if (root === undefined || directory === undefined) return undefined
    const folder = join(root, directory)
    let name = isFresh ? undefined : this.#listings.get(folder)?.get(key)
    if (name === undefined) {
      const listing = await listFolder(folder)
      name = listing.get(key)
      this.#remember(folder, listing)
    }
    return name === undefined ? undefined : join(folder, name)
  }

  #remember(folder: string, listing: Listing): void {
    this.#listings.delete(folder)
    this.#listings.set(folder, listing)
    for (const oldest of this.#listings.keys()) {
      if (this.#listings.size <= MAX_LISTINGS) return
      this.#listings.delete(oldest)
    }
  }
}

/** Passes on what there is. @returns false when it is not found */
async function* ifFound(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, boolean> {
  let hasBegun = false
  try {
    for await (const piece of pieces) {
      hasBegun = true
      yield piece
    }
    return true
  } catch (error) {
    if (hasBegun || codeOf(error) !== 'NOT_FOUND') throw error
    return false
  }
}

/** Files of a folder by key, those in `cur` before those in `new`. */
export async function listFolder(folder: string): Promise<Listing> {
  const listing: Listing = new Map()
  for (const place of ['new', 'cur']) {
    for (const name of await namesIn(join(folder, place))) {
      const key = parseFileName(name)?.key
      if (key !== undefined) listing.set(key, `${place}/${name}`)
    }
  }
  return listing
}
