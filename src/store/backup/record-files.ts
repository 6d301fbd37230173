import { hash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { MailError } from '../../errors/mail-error.ts'
import { makeDirectory, namesIn, removePartials, syncDirectory, writeWhole } from './whole-files.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)
const END = '.jsonl.zst'
/** Decompressed size of one file at most: what a damaged or hostile one may cost. */
const MAX_BYTES = 256 * 1024 * 1024

/** Lists of records in files that are named after the SHA-256 of their text: what did not change is there already. */
export class RecordFiles {
  readonly #directory: string
  readonly #known = new Set<string>()
  readonly #touched = new Set<string>()
  written = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Keeps the records, one JSON value a line. @returns the file's name: the SHA-256 of its text */
  async write(records: readonly object[]): Promise<string> {
    const text = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    const name = hash('sha256', text, 'hex')
    if (await this.#has(name)) return name
    const folder = join(this.#directory, name.slice(0, 2))
    await makeDirectory(folder)
    await writeWhole(join(folder, name + END), await compress(text))
    this.#known.add(name)
    this.#touched.add(folder)
    this.written += 1
    return name
  }

  /** @throws MailError NOT_FOUND, CORRUPT */
  async read<T>(name: string): Promise<readonly T[]> {
    const packed = await readFile(this.#path(name)).catch((cause) => {
      throw new MailError('NOT_FOUND', `the backup has lost the record file ${name}${END}`, { cause })
    })
    const text = await decompress(packed, { maxOutputLength: MAX_BYTES }).catch((cause) => {
      throw new MailError('CORRUPT', `the record file ${name}${END} is damaged`, { cause })
    })
    if (hash('sha256', text, 'hex') !== name) throw new MailError('CORRUPT', `the record file ${name}${END} is damaged`)
    return text
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T)
  }

  /** Everything that was written is on disk. */
  async sync(): Promise<void> {
    for (const folder of this.#touched) await syncDirectory(folder)
    if (this.#touched.size > 0) await syncDirectory(this.#directory)
    this.#touched.clear()
  }

  async removePartials(): Promise<void> {
    for (const folder of await namesIn(this.#directory)) await removePartials(join(this.#directory, folder))
  }

  /** Removes the files that nobody needs. @returns how many */
  async prune(isNeeded: (name: string) => boolean): Promise<number> {
    let removed = 0
    for (const folder of await namesIn(this.#directory)) {
      for (const file of await namesIn(join(this.#directory, folder))) {
        if (isNeeded(file.slice(0, -END.length))) continue
        await rm(join(this.#directory, folder, file), { force: true })
        removed += 1
      }
    }
    return removed
  }

  async #has(name: string): Promise<boolean> {
    if (this.#known.has(name)) return true
    const there = await namesIn(join(this.#directory, name.slice(0, 2)))
    for (const file of there) if (file.endsWith(END)) this.#known.add(file.slice(0, -END.length))
    return this.#known.has(name)
  }

  #path(name: string): string {
    return join(this.#directory, name.slice(0, 2), name + END)
  }
}
