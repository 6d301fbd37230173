import { createHash, hash } from 'node:crypto'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MailError } from '../../errors/mail-error.ts'
import { type PackEntry, PackIndex } from './pack-index.ts'
import { namesIn } from './whole-files.ts'

export const PACK = '.pack'
export const PACK_INDEX = '.idx'
const PIECE = 1024 * 1024

/** Where a blob lies in a backup. */
interface Place extends PackEntry {
  readonly pack: string
}

/** The packs of a backup, to read blobs by their SHA-256. */
export class Packs {
  readonly #directory: string
  readonly #indexes = new Map<string, PackIndex>()
  readonly #files = new Map<string, Promise<FileHandle>>()
  /** Packs whose index cannot be read, with what is wrong. */
  readonly damaged = new Map<string, string>()

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async open(directory: string): Promise<Packs> {
    const packs = new Packs(directory)
    for (const name of await namesIn(directory)) if (name.endsWith(PACK_INDEX)) await packs.add(name.slice(0, -4))
    return packs
  }

  /** The packs as they would be without one of them. */
  without(pack: string): Packs {
    const others = new Packs(this.#directory)
    for (const [name, index] of this.#indexes) if (name !== pack) others.#indexes.set(name, index)
    return others
  }

  /** The pack is gone. */
  forget(pack: string): void {
    this.#indexes.delete(pack)
  }

  /** A pack that was just finished. */
  async add(pack: string): Promise<void> {
    try {
      this.#indexes.set(pack, new PackIndex(await readFile(join(this.#directory, pack + PACK_INDEX))))
    } catch (error) {
      this.damaged.set(pack, error instanceof Error ? error.message : String(error))
    }
  }

  get all(): ReadonlyMap<string, PackIndex> {
    return this.#indexes
  }

  find(digest: Buffer): Place | undefined {
    for (const [pack, index] of this.#indexes) {
      const entry = index.find(digest)
      if (entry !== undefined) return { ...entry, pack }
    }
    return undefined
  }

  /** The bytes of a blob, checked. @throws MailError NOT_FOUND, CORRUPT */
  async read(digest: Buffer): Promise<Buffer> {
    const place = this.#place(digest)
    const bytes = Buffer.allocUnsafe(place.size)
    const file = await this.#file(place.pack)
    const { bytesRead } = await file.read(bytes, 0, place.size, place.offset)
    if (bytesRead !== place.size || !hash('sha256', bytes, 'buffer').equals(digest)) throw damaged(digest, place.pack)
    return bytes
  }

  /** The same in pieces. What is wrong shows at the end: use nothing before that. */
  async *stream(digest: Buffer): AsyncIterable<Buffer> {
    const place = this.#place(digest)
    const file = await this.#file(place.pack)
    const sum = createHash('sha256')
    for (let at = 0; at < place.size; at += PIECE) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE, place.size - at))
      const { bytesRead } = await file.read(piece, 0, piece.length, place.offset + at)
      if (bytesRead !== piece.length) throw damaged(digest, place.pack)
      sum.update(piece)
      yield piece
    }
    if (!sum.digest().equals(digest)) throw damaged(digest, place.pack)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map(async (file) => (await file).close()))
    this.#files.clear()
  }

  #place(digest: Buffer): Place {
    const place = this.find(digest)
    if (place !== undefined) return place
    throw new MailError('NOT_FOUND', `the backup has no bytes with the SHA-256 ${digest.toString('hex')}`)
  }

  #file(pack: string): Promise<FileHandle> {
    let file = this.#files.get(pack)
    if (file === undefined) {
      file = open(join(this.#directory, pack + PACK), 'r')
      this.#files.set(pack, file)
    }
    return file
  }
}

const damaged = (digest: Buffer, pack: string) =>
  new MailError('CORRUPT', `the bytes with the SHA-256 ${digest.toString('hex')} are damaged in ${pack}${PACK}`)
