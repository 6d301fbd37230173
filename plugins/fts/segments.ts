import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Database, Row } from './database.ts'
import { chooseMerge, FULL_OCTETS } from './merge-choice.ts'
import { PostingsReader } from './postings.ts'
import { BODY, HEADER, PARTS, type Part, type ScratchTables, type Tables } from './scratch-tables.ts'
import type { TermTable } from './term-table.ts'
import { type NeedleTerms, TERM_END } from './terms.ts'

/**
 * A segment holds the terms of documents `first` to `last`, which no other segment has; of each document its header and
 * its body apart, so that a needle is never found across. It is written once, and replaced as a whole.
 */
export const SEGMENT_TABLES = `
CREATE TABLE segments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, first INTEGER NOT NULL, last INTEGER NOT NULL,
  documents INTEGER NOT NULL, octets INTEGER NOT NULL
) STRICT;
CREATE TABLE blocks (
  id INTEGER PRIMARY KEY, segment INTEGER NOT NULL, part INTEGER NOT NULL, terms_crc INTEGER NOT NULL, postings_crc INTEGER NOT NULL,
  terms BLOB NOT NULL, postings BLOB NOT NULL
) STRICT;
CREATE INDEX blocks_of_segment ON blocks (segment, part);
`

/** Of postings, which only hits are looked up in. Terms stay as they are: every search goes through all of them. */
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/**
 * Octets of texts that are collected for one segment, unless one text is larger: fifteen times as many may be needed for the
 * tables, when no word is said twice. What makes less than a full segment would be put together with others at once.
 */
export const COLLECTED_OCTETS = FULL_OCTETS

/** Octets after which no other segment is written anew in one call: about a second of work. */
const COMPACTED_OCTETS = 4 * FULL_OCTETS

/** The file does not hold what was put into it. */
export class DamagedIndex extends Error {
  override readonly name = 'DamagedIndex'
}

export interface NumberedText {
  readonly document: number
  /** In UTF-8. */
  readonly header: Uint8Array
  readonly body: Uint8Array
}

export interface TermQuery extends NeedleTerms {
  readonly within: 'text' | 'body'
}

interface Segment {
  readonly id: number
  readonly first: number
  readonly last: number
  /** How many had terms in it when it was written, and the octets of those, not compressed. */
  readonly documents: number
  readonly octets: number
}

/** The terms of an account's texts, in segments. Every call runs in a transaction of its caller. */
export class Segments {
  readonly #db: Database
  readonly #scratch: ScratchTables

  constructor(db: Database, scratch: ScratchTables) {
    this.#db = db
    this.#scratch = scratch
  }

  /** Adds texts, whose numbers rise and are behind all that ever were there. */
  add(texts: readonly NumberedText[]): void {
    for (const some of collected(texts)) this.#addSegment(some)
    this.#scratch.trim()
  }

  #addSegment(texts: readonly NumberedText[]): void {
    const [first, last] = [texts[0] as NumberedText, texts.at(-1) as NumberedText].map(({ document }) => document)
    const tables = this.#scratch.take(first as number)
    for (const { document, header, body } of texts) {
      tables[HEADER].addText(header, document)
      tables[BODY].addText(body, document)
    }
    this.#write(first as number, last as number, texts.length, tables)
    const segments = this.#segments()
    const choice = chooseMerge(segments.map(({ octets }) => octets))
    if (choice !== undefined) this.#replace(segments.slice(choice.from, choice.to))
  }

  /** Writes anew what holds more terms of documents that have gone than of others; some of it, when it is much. */
  compact(): void {
    let octets = 0
    for (const segment of this.#segments()) {
      if (octets > COMPACTED_OCTETS) break
      const { left } = this.#db.row(
        'SELECT count(*) AS left FROM documents WHERE id BETWEEN ? AND ?',
        segment.first,
        segment.last,
      ) as Row
      if (Number(left) * 2 >= segment.documents) continue
      this.#replace([segment])
      octets += segment.octets
    }
    this.#scratch.trim()
  }

  /** Numbers of the documents that may have the needle, rising, for each query. Some may have gone. */
  search(queries: readonly TermQuery[]): readonly (readonly number[])[] {
    const found = queries.map((): number[] => [])
    for (const segment of this.#segments()) {
      const hits = queries.map(() => new Uint8Array(segment.last - segment.first + 1))
      for (const part of PARTS) {
        if (part === HEADER && !queries.some(({ within }) => within === 'text')) continue
        const blocks = this.#terms(segment, part)
        for (const [at, { parts, within }] of queries.entries()) {
          if (part === BODY || within === 'text') this.#find(segment, blocks, parts, hits[at] as Uint8Array)
        }
      }
      for (const [at, documents] of found.entries()) {
        const ofSegment = hits[at] as Uint8Array
        for (let hit = ofSegment.indexOf(1); hit !== -1; hit = ofSegment.indexOf(1, hit + 1)) {
          documents.push(segment.first + hit)
        }
      }
    }
    return found
  }

  /** Marks documents that have all parts in these blocks. */
  #find(segment: Segment, blocks: readonly KeptTerms[], parts: readonly Buffer[], hits: Uint8Array): void {
    // How many of the parts that were looked for a document has.
    const has = new Uint16Array(hits.length)
    for (const [at, part] of parts.entries()) {
      let isFound = false
      for (const block of blocks) {
        let postings: PostingsReader | undefined
        let passed = 0
        for (const term of termsWith(block.terms, part)) {
          postings ??= this.#postings(block, segment)
          postings.skip(term - passed)
          passed = term + 1
          isFound = true
          postings.each((document) => {
            const place = document - segment.first
            if (has[place] === at) has[place] = at + 1
          })
        }
      }
      if (!isFound) return
    }
    for (let place = 0; place < has.length; place++) if (has[place] === parts.length) hits[place] = 1
  }

  /** Puts segments that follow each other into one, without what has gone. */
  #replace(segments: readonly Segment[]): void {
    const left = this.#db
      .arrays(
        'SELECT id FROM documents WHERE id BETWEEN ? AND ? ORDER BY id',
        (segments.at(0) as Segment).first,
        (segments.at(-1) as Segment).last,
      )
      .map(([id]) => Number(id))
    const [first, last] = [left.at(0) ?? 0, left.at(-1) ?? 0]
    const tables = this.#scratch.take(first)
    const isLeft = new Uint8Array(last - first + 1)
    for (const document of left) isLeft[document - first] = 1
    for (const segment of segments) {
      for (const part of PARTS) {
        for (const block of this.#terms(segment, part)) this.#copy(segment, block, tables[part], first, isLeft)
      }
      // Gone before the new one is written, which then takes their place in the file.
      this.#db.row('DELETE FROM blocks WHERE segment = ?', segment.id)
      this.#db.row('DELETE FROM segments WHERE id = ?', segment.id)
    }
    if (left.length > 0) this.#write(first, last, left.length, tables)
  }

  #copy(segment: Segment, block: KeptTerms, table: TermTable, first: number, isLeft: Uint8Array): void {
    const postings = this.#postings(block, segment)
    const { terms } = block
    const documents = new Uint32Array(segment.last - segment.first + 1)
    for (let from = 1; from < terms.length; ) {
      const to = terms.indexOf(TERM_END, from)
      let count = 0
      postings.each((document) => {
        if (isLeft[document - first] === 1) documents[count++] = document
      })
      if (count > 0) table.addTerm(terms, from, to, documents.subarray(0, count))
      from = to + 1
    }
  }

  #write(first: number, last: number, documents: number, tables: Tables): void {
    const id = Number(
      this.#db.row(
        'INSERT INTO segments (first, last, documents, octets) VALUES (?, ?, ?, 0) RETURNING id',
        first,
        last,
        documents,
      )?.id,
    )
    let octets = 0
    for (const part of PARTS) {
      for (const block of tables[part].blocks()) {
        const { terms } = block
        const postings = zstdCompressSync(block.postings, COMPRESSION)
        octets += terms.length + block.postings.length
        this.#db.row(
          'INSERT INTO blocks (segment, part, terms_crc, postings_crc, terms, postings) VALUES (?, ?, ?, ?, ?, ?)',
          id,
          part,
          crc32(terms),
          crc32(postings),
          terms,
          postings,
        )
      }
    }
    this.#db.row('UPDATE segments SET octets = ? WHERE id = ?', octets, id)
  }

  /** In the order of their documents. */
  #segments(): readonly Segment[] {
    const rows = this.#db.rows('SELECT id, first, last, documents, octets FROM segments ORDER BY first')
    return rows.map((row) => ({
      id: Number(row.id),
      first: Number(row.first),
      last: Number(row.last),
      documents: Number(row.documents),
      octets: Number(row.octets),
    }))
  }

  #terms({ id }: Segment, part: Part): readonly KeptTerms[] {
    const rows = this.#db.rows(
      'SELECT id, terms_crc AS crc, terms FROM blocks WHERE segment = ? AND part = ?',
      id,
      part,
    )
    return rows.map((row) => ({ id: Number(row.id), terms: checked(row.terms, row.crc) }))
  }

  #postings({ id }: KeptTerms, { first }: Segment): PostingsReader {
    const row = this.#db.row('SELECT postings_crc AS crc, postings FROM blocks WHERE id = ?', id)
    return new PostingsReader(zstdDecompressSync(checked(row?.postings, row?.crc)), first)
  }
}

/** The texts in their order, some at a time: what is collected at once is bounded. */
function* collected(texts: readonly NumberedText[]): Iterable<readonly NumberedText[]> {
  let some: NumberedText[] = []
  let octets = 0
  for (const text of texts) {
    const own = text.header.length + text.body.length
    if (some.length > 0 && octets + own > COLLECTED_OCTETS) {
      yield some
      some = []
      octets = 0
    }
    some.push(text)
    octets += own
  }
  if (some.length > 0) yield some
}

interface KeptTerms {
  readonly id: number
  readonly terms: Buffer
}

/** @throws DamagedIndex */
function checked(octets: unknown, crc: unknown): Buffer {
  if (!(octets instanceof Uint8Array) || crc32(octets) !== crc) {
    throw new DamagedIndex('a block is not as it was written')
  }
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length)
}

/** Numbers of the terms in which the part is, rising, by their place in the block. */
function* termsWith(terms: Buffer, part: Buffer): Iterable<number> {
  const skipped = part[0] === TERM_END ? 1 : 0
  const isEnd = part.at(-1) === TERM_END ? 1 : 0
  let term = -1
  let counted = 0
  for (let at = terms.indexOf(part); at !== -1; ) {
    for (; counted < at + skipped; counted++) if (terms[counted] === TERM_END) term++
    yield term
    at = terms.indexOf(part, terms.indexOf(TERM_END, at + part.length - isEnd))
  }
}
