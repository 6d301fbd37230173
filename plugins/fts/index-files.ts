import { AccountIndex, OtherLayout, removeFiles } from './account-index.ts'
import { withFolderLock } from './folder-lock.ts'
import { ScratchTables } from './scratch-tables.ts'
import { DamagedIndex } from './segments.ts'
import type { Operation } from './thread-messages.ts'

/** Files that are open at a time. Each has pages of its own in memory. */
const MAX_OPEN = 16

/** SQLITE_CORRUPT, SQLITE_NOTADB, and SQLITE_ERROR, which a table that is not as it was made gives (sqlite.org/rescode.html). */
const DAMAGED: ReadonlySet<number> = new Set([1, 11, 26])
/** SQLITE_IOERR_SHORT_READ: the file ends before what it says to hold. */
const SHORT_READ = 522

/** The indexes of the accounts that were asked for last. */
export class IndexFiles {
  /** The one that was asked for last at the end. */
  readonly #open = new Map<string, AccountIndex>()
  readonly #scratch = new ScratchTables()
  readonly #onThrownAway: (path: string, reason: string) => void

  /** @param onThrownAway told of each file that cannot be used, and why */
  constructor(onThrownAway: (path: string, reason: string) => void) {
    this.#onThrownAway = onThrownAway
  }

  /** A file that is damaged, or of another layout, is thrown away, and the answer is that of an empty one. @throws Error of SQLite */
  run(path: string, operation: Operation, args: readonly unknown[]): unknown {
    if (operation === 'clear') return this.#remove(path)
    try {
      return this.#run(path, operation, args)
    } catch (cause) {
      if (!isUseless(cause)) throw cause
      // Another thread may have made a new file already.
      if (this.#open.get(path)?.isCurrent !== false) {
        this.#remove(path)
        this.#onThrownAway(path, cause instanceof Error ? cause.message : String(cause))
      }
      return this.#run(path, operation, args)
    }
  }

  close(): void {
    for (const path of [...this.#open.keys()]) this.#close(path)
  }

  #run(path: string, operation: Exclude<Operation, 'clear'>, args: readonly unknown[]): unknown {
    const index = this.#of(path)
    return (index[operation] as (...args: unknown[]) => unknown).apply(index, [...args])
  }

  #of(path: string): AccountIndex {
    let index = this.#open.get(path)
    this.#open.delete(path)
    if (index !== undefined && !index.isCurrent) {
      index.close()
      index = undefined
    }
    index ??= withFolderLock(path, () => new AccountIndex(path, this.#scratch))
    this.#open.set(path, index)
    if (this.#open.size > MAX_OPEN) this.#close(this.#open.keys().next().value as string)
    return index
  }

  #remove(path: string): void {
    this.#close(path)
    withFolderLock(path, () => removeFiles(path))
  }

  #close(path: string): void {
    const index = this.#open.get(path)
    this.#open.delete(path)
    index?.close()
  }
}

function isUseless(cause: unknown): boolean {
  if (cause instanceof DamagedIndex || cause instanceof OtherLayout) return true
  const code = (cause as { errcode?: unknown } | undefined)?.errcode
  // Its lowest octet is the kind, whatever is added.
  return typeof code === 'number' && (DAMAGED.has(code & 0xff) || code === SHORT_READ)
}
