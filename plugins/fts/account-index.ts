import { rmSync } from 'node:fs'
import type { Candidates, Coverage, IndexedMailbox, IndexFigures, SearchAnswer, SearchQuery } from 'mailserver'
import { Database } from './database.ts'
import type { EncodedBatch, EncodedDocument } from './encoded-batch.ts'
import { ScratchTables } from './scratch-tables.ts'
import { type NumberedText, SEGMENT_TABLES, Segments } from './segments.ts'
import { needleTerms } from './terms.ts'

/** Of the tables below, and of what is in their blocks. An index of another layout is thrown away. */
export const LAYOUT = 2

/**
 * `places` says which message of which mailbox has which text; a text goes with its last place. The number of a text is
 * never used again: terms may name it until their segment is written anew.
 */
const TABLES = `
CREATE TABLE mailboxes (
  id INTEGER PRIMARY KEY, mailbox TEXT NOT NULL UNIQUE, validity INTEGER NOT NULL, through INTEGER NOT NULL
) STRICT;
CREATE TABLE documents (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE places (
  mailbox INTEGER NOT NULL, uid INTEGER NOT NULL, document INTEGER NOT NULL, PRIMARY KEY (mailbox, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX places_of_document ON places (document, mailbox, uid);
${SEGMENT_TABLES}
`

/** A place without a text: the message was skipped. */
const SKIPPED = 0

interface MailboxRow {
  readonly id: number
  readonly validity: number
  readonly through: number
}

const NOTHING: MailboxRow = { id: 0, validity: 0, through: 0 }

/** A place is looked for by its text up to so many; beyond, all of the mailbox are looked through. */
const LOOKED_UP = 1000
const PLACES_AT_ONCE = 10_000

/** The file has another layout than this code knows. */
export class OtherLayout extends Error {
  override readonly name = 'OtherLayout'
}

/** The index of one account, in a file of its own. Every call is one transaction. @throws Error of SQLite, DamagedIndex */
export class AccountIndex {
  readonly #db: Database
  readonly #segments: Segments

  /**
   * Opens the file, or makes it.
   * @param scratch shared by the indexes of a thread
   * @throws OtherLayout
   */
  constructor(path: string, scratch = new ScratchTables()) {
    this.#db = new Database(path)
    this.#segments = new Segments(this.#db, scratch)
    try {
      const layout = this.#db.open(LAYOUT, TABLES)
      if (layout !== LAYOUT) throw new OtherLayout(`the index has layout ${layout}, and not ${LAYOUT}`)
    } catch (cause) {
      this.#db.close()
      throw cause
    }
  }

  /** False once another thread threw the file away: what is open is a file that nobody else sees. */
  get isCurrent(): boolean {
    return this.#db.isCurrent
  }

  close(): void {
    this.#db.close()
  }

  coverage(mailbox: IndexedMailbox): Coverage {
    return this.#db.read(() => this.#coverage(this.#row(mailbox)))
  }

  known(names: readonly string[]): ReadonlySet<string> {
    return this.#db.read(
      () => new Set(names.filter((name) => this.#db.row('SELECT 1 FROM documents WHERE name = ?', name) !== undefined)),
    )
  }

  index(mailbox: IndexedMailbox, after: number, batch: EncodedBatch): void {
    this.#db.write(() => {
      let row = this.#row(mailbox)
      if (row.through !== after) return
      if (row === NOTHING) row = this.#addMailbox(mailbox)
      const texts: NumberedText[] = []
      for (const document of batch.documents) this.#place(row.id, document.uid, this.#documentOf(document, texts))
      for (const { uid, id } of batch.copies) {
        // Its last other copy may have gone meanwhile: it is read when somebody searches.
        const known = this.#db.row('SELECT id FROM documents WHERE name = ?', id)
        this.#place(row.id, uid, Number(known?.id ?? SKIPPED))
      }
      for (const uid of batch.skipped) this.#place(row.id, uid, SKIPPED)
      this.#segments.add(texts)
      this.#db.row('UPDATE mailboxes SET through = ? WHERE id = ?', batch.through, row.id)
    })
  }

  retain(mailbox: IndexedMailbox, uids: Uint32Array): void {
    this.#db.write(() => {
      const row = this.#row(mailbox)
      const kept = uids.slice().sort()
      let at = 0
      for (const uid of this.#uidsOf(row.id)) {
        while (at < kept.length && (kept[at] as number) < uid) at++
        if (kept[at] !== uid) this.#removePlace(row.id, uid)
      }
      this.#segments.compact()
    })
  }

  retainMailboxes(mailboxes: readonly string[]): void {
    const kept = new Set(mailboxes)
    this.#db.write(() => {
      for (const { id, mailbox } of this.#db.rows('SELECT id, mailbox FROM mailboxes')) {
        if (!kept.has(String(mailbox))) this.#removeMailbox(Number(id))
      }
      this.#segments.compact()
    })
  }

  search(mailbox: IndexedMailbox, queries: readonly SearchQuery[]): SearchAnswer {
    const asked = queries.map(({ within, needle }) => {
      const terms = needleTerms(needle)
      return terms && { ...terms, within }
    })
    return this.#db.read(() => {
      const row = this.#row(mailbox)
      const found = this.#segments.search(asked.filter((query) => query !== undefined)).values()
      const candidates = asked.map((query): Candidates | undefined => {
        if (query === undefined) return undefined
        return { uids: this.#uids(row, found.next().value ?? []), isExact: query.isExact }
      })
      return { ...this.#coverage(row), candidates }
    })
  }

  figures(): Omit<IndexFigures, 'octets'> {
    const { messages, skipped } =
      this.#db.row(
        `SELECT count(*) FILTER (WHERE document <> ${SKIPPED}) AS messages,
          count(*) FILTER (WHERE document = ${SKIPPED}) AS skipped FROM places`,
      ) ?? {}
    return { messages: Number(messages), skipped: Number(skipped) }
  }

  /** UIDs of the messages of the mailbox that have one of the texts, rising. */
  #uids({ id }: MailboxRow, documents: readonly number[]): Uint32Array {
    const uids: number[] = []
    if (documents.length <= LOOKED_UP) {
      for (const document of documents) {
        for (const { uid } of this.#db.rows(
          'SELECT uid FROM places WHERE document = ? AND mailbox = ?',
          document,
          id,
        )) {
          uids.push(Number(uid))
        }
      }
      return Uint32Array.from(uids).sort()
    }
    const first = documents[0] as number
    const isFound = new Uint8Array((documents.at(-1) as number) - first + 1)
    for (const document of documents) isFound[document - first] = 1
    for (let last = 0; ; ) {
      const places = this.#db.arrays(
        `SELECT uid, document FROM places WHERE mailbox = ? AND uid > ? ORDER BY uid LIMIT ${PLACES_AT_ONCE}`,
        id,
        last,
      )
      for (const [uid, document] of places) if (isFound[Number(document) - first] === 1) uids.push(Number(uid))
      if (places.length < PLACES_AT_ONCE) return Uint32Array.from(uids)
      last = Number(places.at(-1)?.[0])
    }
  }

  #coverage(row: MailboxRow): Coverage {
    const skipped = this.#db.rows(
      `SELECT uid FROM places WHERE document = ${SKIPPED} AND mailbox = ? ORDER BY uid`,
      row.id,
    )
    return { through: row.through, skipped: new Set(skipped.map(({ uid }) => Number(uid))) }
  }

  /** What is known of the mailbox; of one whose UIDs begin anew, nothing. */
  #row({ id, uidValidity }: IndexedMailbox): MailboxRow {
    const found = this.#db.row('SELECT id, validity, through FROM mailboxes WHERE mailbox = ?', id)
    if (found === undefined || found.validity !== uidValidity) return NOTHING
    return { id: Number(found.id), validity: uidValidity, through: Number(found.through) }
  }

  #addMailbox({ id, uidValidity }: IndexedMailbox): MailboxRow {
    const old = this.#db.row('SELECT id FROM mailboxes WHERE mailbox = ?', id)
    if (old !== undefined) this.#removeMailbox(Number(old.id))
    const added = this.#db.row(
      'INSERT INTO mailboxes (mailbox, validity, through) VALUES (?, ?, 0) RETURNING id',
      id,
      uidValidity,
    )
    return { id: Number(added?.id), validity: uidValidity, through: 0 }
  }

  #removeMailbox(row: number): void {
    for (const uid of this.#uidsOf(row)) this.#removePlace(row, uid)
    this.#db.row('DELETE FROM mailboxes WHERE id = ?', row)
  }

  /** Rising. Each may be removed once it was given. */
  *#uidsOf(row: number): Iterable<number> {
    for (let last = 0; ; ) {
      const places = this.#db.arrays(
        `SELECT uid FROM places WHERE mailbox = ? AND uid > ? ORDER BY uid LIMIT ${PLACES_AT_ONCE}`,
        row,
        last,
      )
      for (const [uid] of places) yield Number(uid)
      if (places.length < PLACES_AT_ONCE) return
      last = Number(places.at(-1)?.[0])
    }
  }

  #place(row: number, uid: number, document: number): void {
    this.#db.row('INSERT OR REPLACE INTO places (mailbox, uid, document) VALUES (?, ?, ?)', row, uid, document)
  }

  #removePlace(row: number, uid: number): void {
    const gone = this.#db.row('DELETE FROM places WHERE mailbox = ? AND uid = ? RETURNING document', row, uid)
    const document = Number(gone?.document ?? SKIPPED)
    if (document === SKIPPED) return
    if (this.#db.row('SELECT 1 FROM places WHERE document = ? LIMIT 1', document) !== undefined) return
    this.#db.row('DELETE FROM documents WHERE id = ?', document)
  }

  /** The number of its text, which is put to the new ones unless a copy has it already. */
  #documentOf({ id, header, body }: EncodedDocument, texts: NumberedText[]): number {
    const known = this.#db.row('SELECT id FROM documents WHERE name = ?', id)
    if (known !== undefined) return Number(known.id)
    const document = Number(this.#db.row('INSERT INTO documents (name) VALUES (?) RETURNING id', id)?.id)
    texts.push({ document, header, body })
    return document
  }
}

/** Takes the file of an index away, with what SQLite keeps beside it. */
export function removeFiles(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true })
}
