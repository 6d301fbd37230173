import { createHash, hash, randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { encodePackIndex, type PackEntry } from './pack-index.ts'
import { PACK, PACK_INDEX, type Packs } from './packs.ts'
import { FILE_MODE, PARTIAL, syncDirectory, writeWhole } from './whole-files.ts'

/** A pack that has come to this is finished, and the next begun: what an interruption costs at most. */
const PACK_BYTES = 256 * 1024 * 1024
const BUFFER_BYTES = 1024 * 1024
const MAGIC = Buffer.from('MSB1')
/** Magic, digest, size (u64). */
const HEAD_BYTES = 44

/**
 * Appends blobs to packs: each begins with `MSB1`, its SHA-256 (32 octets) and its size (u64), so that an index that is
 * lost can be made again from its pack. A pack counts once its index is there; what was cut off before that is removed
 * by the next backup.
 */
export class PackWriter {
  readonly #directory: string
  readonly #packs: Packs
  #file: FileHandle | undefined
  #name = ''
  #entries: PackEntry[] = []
  #known = new Set<string>()
  #waiting: Buffer[] = []
  #waitingBytes = 0
  /** Octets of the pack so far, those that wait included. */
  #size = 0
  blobs = 0
  bytes = 0

  constructor(directory: string, packs: Packs) {
    this.#directory = directory
    this.#packs = packs
  }

  has(digest: Buffer): boolean {
    return this.#known.has(digest.toString('latin1')) || this.#packs.find(digest) !== undefined
  }

  /** Keeps a blob unless it is there already. @returns its SHA-256 */
  async add(bytes: Buffer): Promise<Buffer> {
    const digest = hash('sha256', bytes, 'buffer')
    if (this.has(digest)) return digest
    await this.#begin()
    await this.#write(headOf(digest, bytes.length))
    const offset = this.#size
    await this.#write(bytes)
    await this.#added({ digest, offset, size: bytes.length })
    return digest
  }

  /** The same for one that is too large to be in memory as a whole. */
  async addStream(chunks: AsyncIterable<Buffer>): Promise<{ readonly digest: Buffer; readonly size: number }> {
    const file = await this.#begin()
    await this.#flush()
    const start = this.#size
    const sum = createHash('sha256')
    let size = 0
    try {
      await this.#write(Buffer.alloc(HEAD_BYTES))
      for await (const chunk of chunks) {
        sum.update(chunk)
        size += chunk.length
        // The chunk may be used again by who gave it.
        await this.#write(Buffer.from(chunk))
      }
      await this.#flush()
    } catch (error) {
      await this.#backTo(file, start)
      throw error
    }
    const digest = sum.digest()
    if (this.has(digest)) {
      await this.#backTo(file, start)
    } else {
      await file.write(headOf(digest, size), 0, HEAD_BYTES, start)
      await this.#added({ digest, offset: start + HEAD_BYTES, size })
    }
    return { digest, size }
  }

  /** Finishes the pack that is being written: it is whole and on disk. */
  async finish(): Promise<void> {
    const file = this.#file
    if (file === undefined) return
    await this.#flush()
    await file.sync()
    await file.close()
    this.#file = undefined
    const path = join(this.#directory, this.#name)
    if (this.#entries.length === 0) {
      await rm(path + PACK + PARTIAL, { force: true })
      return
    }
    await rename(path + PACK + PARTIAL, path + PACK)
    await writeWhole(path + PACK_INDEX, encodePackIndex(this.#entries))
    await syncDirectory(this.#directory)
    await this.#packs.add(this.#name)
    this.#entries = []
    this.#known.clear()
  }

  /** Gives up what is not finished. */
  async abort(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
    if (this.#name !== '') await rm(join(this.#directory, this.#name + PACK + PARTIAL), { force: true })
  }

  async #begin(): Promise<FileHandle> {
    if (this.#file !== undefined) return this.#file
    this.#name = `${new Date().toISOString().replace(/[:.]/g, '-')}-${randomBytes(4).toString('hex')}`
    this.#size = 0
    this.#file = await open(join(this.#directory, this.#name + PACK + PARTIAL), 'wx', FILE_MODE)
    return this.#file
  }

  async #added(entry: PackEntry): Promise<void> {
    this.#entries.push(entry)
    this.#known.add(entry.digest.toString('latin1'))
    this.blobs += 1
    this.bytes += entry.size
    if (this.#size >= PACK_BYTES) await this.finish()
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    this.#size += bytes.length
    if (this.#waitingBytes >= BUFFER_BYTES) await this.#flush()
  }

  async #flush(): Promise<void> {
    if (this.#waiting.length === 0) return
    const bytes = this.#waiting.length === 1 ? (this.#waiting[0] as Buffer) : Buffer.concat(this.#waiting)
    this.#waiting = []
    this.#waitingBytes = 0
    await this.#file?.write(bytes, 0, bytes.length, this.#size - bytes.length)
  }

  async #backTo(file: FileHandle, size: number): Promise<void> {
    this.#waiting = []
    this.#waitingBytes = 0
    this.#size = size
    await file.truncate(size)
  }
}

function headOf(digest: Buffer, size: number): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  MAGIC.copy(head)
  digest.copy(head, MAGIC.length)
  head.writeBigUInt64BE(BigInt(size), 36)
  return head
}
