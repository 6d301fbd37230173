import { closeSync, fdatasync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { MailError } from 'mailserver'
import { faultOf } from '../faults.ts'
import { type Layout, segmentPath } from '../layout.ts'

const datasync = promisify(fdatasync)

interface OpenFile {
  readonly fd: number
  users: number
  isEvicted: boolean
}

/** Open segments for reading: a bounded number of them, the least recently used closed first, never one that is in use. */
export class SegmentFiles {
  readonly #layout: Layout
  readonly #limit: number
  readonly #open = new Map<number, OpenFile>()

  constructor(layout: Layout, limit = 64) {
    this.#layout = layout
    this.#limit = limit
  }

  /** Runs `fn` with the segment's file. @throws MailError NOT_FOUND when the segment is gone */
  async use<T>(segment: number, fn: (fd: number) => T | Promise<T>): Promise<T> {
    const file = this.#take(segment)
    file.users += 1
    try {
      return await fn(file.fd)
    } finally {
      file.users -= 1
      if (file.isEvicted && file.users === 0) closeSync(file.fd)
    }
  }

  /** The same for work that does not wait. @throws MailError NOT_FOUND when the segment is gone */
  useSync<T>(segment: number, fn: (fd: number) => T): T {
    return fn(this.#take(segment).fd)
  }

  /** Everything written to the segment so far, by whichever thread, is on disk when it resolves. */
  sync(segment: number): Promise<void> {
    return this.use(segment, datasync)
  }

  /** Closes one that is about to be deleted. */
  forget(segment: number): void {
    const file = this.#open.get(segment)
    if (file !== undefined) this.#evict(segment, file)
  }

  close(): void {
    for (const [segment, file] of [...this.#open]) this.#evict(segment, file)
  }

  #take(segment: number): OpenFile {
    const known = this.#open.get(segment)
    if (known !== undefined) {
      this.#open.delete(segment)
      this.#open.set(segment, known)
      return known
    }
    const file = { fd: this.#openFile(segment), users: 0, isEvicted: false }
    this.#open.set(segment, file)
    if (this.#open.size > this.#limit) {
      const [oldest, old] = this.#open.entries().next().value as [number, OpenFile]
      this.#evict(oldest, old)
    }
    return file
  }

  #openFile(segment: number): number {
    const path = segmentPath(this.#layout, segment)
    try {
      return openSync(path, 'r')
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw new MailError('NOT_FOUND', `there is no ${path}`)
      throw faultOf(cause, `opening ${path}`)
    }
  }

  #evict(segment: number, file: OpenFile): void {
    this.#open.delete(segment)
    file.isEvicted = true
    if (file.users === 0) closeSync(file.fd)
  }
}
