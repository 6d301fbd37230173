import type { Entry, Key, Range, Snapshot } from 'mailserver'
import type { Database, DatabaseSnapshot } from './database.ts'
import { readValue, readValues, scanEntries } from './index-reader.ts'

/** The index at one moment. LevelDB keeps what it shows until it is given back, or the database is closed. */
export class LevelSnapshot implements Snapshot {
  readonly #db: Database
  readonly #snapshot: DatabaseSnapshot

  constructor(db: Database) {
    this.#db = db
    this.#snapshot = db.snapshot()
  }

  async get(key: Key): Promise<Buffer | undefined> {
    return readValue(this.#db, key, this.#snapshot)
  }

  getMany(keys: readonly Key[]): Promise<(Buffer | undefined)[]> {
    return readValues(this.#db, keys, this.#snapshot)
  }

  scan(range: Range): AsyncIterable<readonly Entry[]> {
    return scanEntries(this.#db, range, this.#snapshot)
  }

  /** Waits for reads that are under way. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#snapshot.close()
  }
}
