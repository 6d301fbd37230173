import { chmodSync, closeSync, openSync, rmSync, statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type {
  Candidates,
  Coverage,
  IndexBatch,
  IndexedMailbox,
  IndexFigures,
  SearchAnswer,
  SearchDocument,
  SearchQuery,
} from 'mailserver'
import { phraseOf, storable } from './phrase.ts'

/** Of the tables below: an index of another layout is thrown away. */
const LAYOUT = 1
/** How long one thread waits for the commit of another. */
const BUSY_MS = 5_000

/**
 * `texts` keeps no text, only where each trigram stands. `places` says which message of which mailbox has which text;
 * a text goes with its last place.
 */
const TABLES = `
CREATE TABLE IF NOT EXISTS mailboxes (
  id INTEGER PRIMARY KEY, mailbox TEXT NOT NULL UNIQUE, validity INTEGER NOT NULL, through INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS documents (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS places (
  mailbox INTEGER NOT NULL, uid INTEGER NOT NULL, document INTEGER NOT NULL, PRIMARY KEY (mailbox, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS places_of_document ON places (document, mailbox, uid);
CREATE VIRTUAL TABLE IF NOT EXISTS texts USING fts5(
  header, body, content='', contentless_delete=1, tokenize='trigram case_sensitive 1'
);
PRAGMA user_version = ${LAYOUT};
`

/** A place without a text: the message was skipped. */
const SKIPPED = 0

interface MailboxRow {
  readonly id: number
  readonly validity: number
  readonly through: number
}

const NOTHING: MailboxRow = { id: 0, validity: 0, through: 0 }

/** The index of one account, in a file of its own. Every call is one transaction. @throws Error of SQLite */
export class AccountIndex {
  readonly #path: string
  readonly #db: DatabaseSync
  readonly #inode: number
  readonly #statements = new Map<string, StatementSync>()

  /** Opens the file, or makes it. */
  constructor(path: string) {
    this.#path = path
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
    this.#inode = statSync(path).ino
    this.#db = new DatabaseSync(path, { timeout: BUSY_MS })
    try {
      this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
      const layout = this.#db.prepare('PRAGMA user_version').get()?.user_version
      if (layout !== LAYOUT) this.#write(() => this.#db.exec(TABLES))
    } catch (cause) {
      this.#db.close()
      throw cause
    }
  }

  /** False once another thread threw the file away: what is open is a file that nobody else sees. */
  get isCurrent(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.ino === this.#inode
  }

  close(): void {
    this.#statements.clear()
    this.#db.close()
  }

  coverage(mailbox: IndexedMailbox): Coverage {
    return this.#read(() => this.#coverage(this.#row(mailbox)))
  }

  known(names: readonly string[]): ReadonlySet<string> {
    const find = this.#prepare('SELECT 1 FROM documents WHERE name = ?')
    return this.#read(() => new Set(names.filter((name) => find.get(name) !== undefined)))
  }

  index(mailbox: IndexedMailbox, after: number, batch: IndexBatch): void {
    this.#write(() => {
      let row = this.#row(mailbox)
      if (row.through !== after) return
      if (row === NOTHING) row = this.#addMailbox(mailbox)
      const place = this.#prepare('INSERT OR REPLACE INTO places (mailbox, uid, document) VALUES (?, ?, ?)')
      const find = this.#prepare('SELECT id FROM documents WHERE name = ?')
      for (const document of batch.documents) place.get(row.id, document.uid, this.#documentOf(document))
      for (const { uid, id } of batch.copies) {
        // Its last other copy may have gone meanwhile: it is read when somebody searches.
        place.get(row.id, uid, Number(find.get(id)?.id ?? SKIPPED))
      }
      for (const uid of batch.skipped) place.get(row.id, uid, SKIPPED)
      this.#prepare('UPDATE mailboxes SET through = ? WHERE id = ?').get(batch.through, row.id)
    })
  }

  retain(mailbox: IndexedMailbox, uids: Uint32Array): void {
    this.#write(() => {
      const row = this.#row(mailbox)
      const kept = new Set(uids)
      const places = this.#prepare('SELECT uid FROM places WHERE mailbox = ?').all(row.id)
      for (const { uid } of places) if (!kept.has(Number(uid))) this.#removePlace(row.id, Number(uid))
    })
  }

  retainMailboxes(mailboxes: readonly string[]): void {
    const kept = new Set(mailboxes)
    this.#write(() => {
      for (const { id, mailbox } of this.#prepare('SELECT id, mailbox FROM mailboxes').all()) {
        if (!kept.has(String(mailbox))) this.#removeMailbox(Number(id))
      }
    })
  }

  search(mailbox: IndexedMailbox, queries: readonly SearchQuery[]): SearchAnswer {
    return this.#read(() => {
      const row = this.#row(mailbox)
      return { ...this.#coverage(row), candidates: queries.map((query) => this.#candidates(row, query)) }
    })
  }

  figures(): Omit<IndexFigures, 'octets'> {
    const count = this.#prepare(
      `SELECT count(*) FILTER (WHERE document <> ${SKIPPED}) AS messages,
        count(*) FILTER (WHERE document = ${SKIPPED}) AS skipped FROM places`,
    )
    const { messages, skipped } = this.#read(() => count.get()) ?? {}
    return { messages: Number(messages), skipped: Number(skipped) }
  }

  #candidates(row: MailboxRow, { within, needle }: SearchQuery): Candidates | undefined {
    const phrase = phraseOf(needle)
    if (phrase === undefined) return undefined
    const columns = within === 'body' ? 'body' : '{header body}'
    // CROSS JOIN: the texts first, else they are asked anew for every message.
    const found = this.#prepare(
      `SELECT places.uid FROM texts CROSS JOIN places ON places.document = texts.rowid
        WHERE texts MATCH ? AND places.mailbox = ? ORDER BY places.uid`,
    ).all(`${columns} : ${phrase.text}`, row.id)
    return { uids: Uint32Array.from(found, ({ uid }) => Number(uid)), isExact: phrase.isExact }
  }

  #coverage(row: MailboxRow): Coverage {
    const skipped = this.#prepare(
      `SELECT uid FROM places WHERE document = ${SKIPPED} AND mailbox = ? ORDER BY uid`,
    ).all(row.id)
    return { through: row.through, skipped: new Set(skipped.map(({ uid }) => Number(uid))) }
  }

  /** What is known of the mailbox; of one whose UIDs begin anew, nothing. */
  #row({ id, uidValidity }: IndexedMailbox): MailboxRow {
    const found = this.#prepare('SELECT id, validity, through FROM mailboxes WHERE mailbox = ?').get(id)
    if (found === undefined || found.validity !== uidValidity) return NOTHING
    return { id: Number(found.id), validity: uidValidity, through: Number(found.through) }
  }

  #addMailbox({ id, uidValidity }: IndexedMailbox): MailboxRow {
    const old = this.#prepare('SELECT id FROM mailboxes WHERE mailbox = ?').get(id)
    if (old !== undefined) this.#removeMailbox(Number(old.id))
    const added = this.#prepare('INSERT INTO mailboxes (mailbox, validity, through) VALUES (?, ?, 0) RETURNING id').get(
      id,
      uidValidity,
    )
    return { id: Number(added?.id), validity: uidValidity, through: 0 }
  }

  #removeMailbox(row: number): void {
    const places = this.#prepare('SELECT uid FROM places WHERE mailbox = ?').all(row)
    for (const { uid } of places) this.#removePlace(row, Number(uid))
    this.#prepare('DELETE FROM mailboxes WHERE id = ?').get(row)
  }

  #removePlace(row: number, uid: number): void {
    const gone = this.#prepare('DELETE FROM places WHERE mailbox = ? AND uid = ? RETURNING document').get(row, uid)
    const document = Number(gone?.document ?? SKIPPED)
    if (document === SKIPPED) return
    if (this.#prepare('SELECT 1 FROM places WHERE document = ? LIMIT 1').get(document) !== undefined) return
    this.#prepare('DELETE FROM texts WHERE rowid = ?').get(document)
    this.#prepare('DELETE FROM documents WHERE id = ?').get(document)
  }

  /** The number of its text, which is put there unless a copy has it already. */
  #documentOf({ id, header, body }: SearchDocument): number {
    const known = this.#prepare('SELECT id FROM documents WHERE name = ?').get(id)
    if (known !== undefined) return Number(known.id)
    const added = this.#prepare('INSERT INTO documents (name) VALUES (?) RETURNING id').get(id)
    const document = Number(added?.id)
    this.#prepare('INSERT INTO texts (rowid, header, body) VALUES (?, ?, ?)').get(
      document,
      storable(header),
      storable(body),
    )
    return document
  }

  /** Run it with `get` or `all`: `run` cannot tell the row numbers that FTS5 gives itself. */
  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #read<T>(run: () => T): T {
    return this.#transaction('BEGIN', run)
  }

  #write<T>(run: () => T): T {
    return this.#transaction('BEGIN IMMEDIATE', run)
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

/** Takes the file of an index away, with what SQLite keeps beside it. */
export function removeFiles(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true })
}
