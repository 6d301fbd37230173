import { statSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { makePrivate } from './folder-lock.ts'

/** How long one thread waits for the commit of another. */
const BUSY_MS = 5_000
/** Most of what is in the file are long blocks: larger pages make shorter chains of them. */
const PAGE_OCTETS = 16 * 1024
/** Pages that are kept in memory. Every search reads most of the file: the system's memory of files serves it as well. */
const CACHE_OCTETS = 1024 * 1024
/** The log of commits is written into the file from so many pages on: others that write to this disk wait for no more at once. */
const LOG_PAGES = 256
/** The log of commits is cut back to this once it was written into the file. */
const LOG_OCTETS = 1024 * 1024

export type Row = Readonly<Record<string, unknown>>

/** A SQLite file with mode 0600, and its statements, each prepared once. Calls throw the Errors of SQLite. */
export class Database {
  readonly #path: string
  readonly #db: DatabaseSync
  readonly #inode: number
  readonly #statements = new Map<string, StatementSync>()

  /** Opens the file, or makes it. Its folder is locked meanwhile. */
  constructor(path: string) {
    this.#path = path
    makePrivate(path)
    this.#inode = statSync(path).ino
    this.#db = new DatabaseSync(path, { timeout: BUSY_MS })
  }

  /**
   * The layout of the tables in the file; those of a new one are made now.
   * @param layout given to a new file
   * @param tables statements that make them
   */
  open(layout: number, tables: string): number {
    // A commit may be lost with the machine's power, never the order of commits; what is lost is indexed once more.
    this.#db.exec(`PRAGMA page_size = ${PAGE_OCTETS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      PRAGMA journal_size_limit = ${LOG_OCTETS}; PRAGMA cache_size = -${CACHE_OCTETS / 1024};
      PRAGMA wal_autocheckpoint = ${LOG_PAGES};`)
    if (this.#layout() === 0) {
      this.write(() => {
        // Another thread may have made them while this one waited.
        if (this.#layout() === 0) this.#db.exec(`${tables}; PRAGMA user_version = ${layout};`)
      })
    }
    return this.#layout()
  }

  /** False once another thread threw the file away: what is open is a file that nobody else sees. */
  get isCurrent(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.ino === this.#inode
  }

  close(): void {
    this.#statements.clear()
    this.#db.close()
  }

  /** Runs the statement, and gives its first row. */
  row(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values)
  }

  /** Runs the statement, and gives its rows. */
  rows(sql: string, ...values: readonly SQLInputValue[]): readonly Row[] {
    return this.#statement(sql).all(...values)
  }

  /** The same with an array of the columns for each row, which takes a third of the time. */
  arrays(sql: string, ...values: readonly SQLInputValue[]): readonly (readonly unknown[])[] {
    // The type of a row is that of one with names, whatever was asked for.
    return this.#statement(sql, true).all(...values) as unknown as readonly (readonly unknown[])[]
  }

  /** One transaction that reads. */
  read<T>(run: () => T): T {
    return this.#transaction('BEGIN', run)
  }

  /** One transaction that writes. */
  write<T>(run: () => T): T {
    return this.#transaction('BEGIN IMMEDIATE', run)
  }

  #layout(): number {
    return Number(this.#db.prepare('PRAGMA user_version').get()?.user_version)
  }

  #statement(sql: string, isArrays = false): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      statement.setReturnArrays(isArrays)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #transaction<T>(begin: string, run: () => T): T {
    this.#db.exec(begin)
    try {
      const result = run()
      this.#db.exec('COMMIT')
      return result
    } catch (cause) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw cause
    }
  }
}
