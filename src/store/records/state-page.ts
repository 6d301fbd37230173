import { MailError } from '../../errors/mail-error.ts'
import type { MessageState } from '../mail-store.ts'
import { type Flags, flagList } from './flags.ts'
import type { StateColumnsBuilder } from './state-columns.ts'

/** What of a message changes or is read in bulk. */
export interface StateRecord extends Flags {
  readonly modSeq: bigint
  readonly internalDate: number
  readonly size: number
}

/**
 * The states of neighbouring messages in one record: a mailbox of 100,000 messages is read from a few thousand of them,
 * and a change of all its flags writes as many. A page has the UIDs from `page * PAGE_UIDS` on, those that exist.
 *
 * Version, rows, keyword sets; then the rows in the order of their UIDs; then each keyword set, its length first. A row
 * is the UID's place in the page, the flag bits, the number of its keyword set (0: none), MODSEQ, INTERNALDATE and size.
 * Small enough that the next message, which writes the last page anew, costs little more than a record of its own would.
 */
export const PAGE_UIDS = 32

export const pageOf = (uid: number): number => Math.floor(uid / PAGE_UIDS)

const VERSION = 2
const ROWS_AT = 3
const ROW_BYTES = 25
const BITS = 1
const KEYWORDS = 2
const MODSEQ = 3
const DATE = 11
const SIZE = 19

export class StatePage {
  readonly number: number
  /** Room for every row of a page; the rows that exist come first. */
  readonly #rows: Buffer
  /** By number less one. */
  readonly #keywords: string[]
  #count: number

  private constructor(number: number, rows: Buffer, count: number, keywords: string[]) {
    this.number = number
    this.#rows = rows
    this.#count = count
    this.#keywords = keywords
  }

  static empty(number: number): StatePage {
    return new StatePage(number, Buffer.allocUnsafe(PAGE_UIDS * ROW_BYTES), 0, [])
  }

  /** @throws MailError CORRUPT */
  static decode(number: number, bytes: Buffer): StatePage {
    const { count, end, keywords } = readFrame(bytes)
    const rows = Buffer.allocUnsafe(PAGE_UIDS * ROW_BYTES)
    bytes.copy(rows, 0, ROWS_AT, end)
    return new StatePage(number, rows, count, keywords)
  }

  encode(): Buffer {
    const used: string[] = []
    if (this.#keywords.length > 0) this.#renumber(used)
    const texts = used.map((keywords) => Buffer.from(keywords, 'latin1'))
    const end = ROWS_AT + this.#count * ROW_BYTES
    const bytes = Buffer.allocUnsafe(texts.reduce((size, text) => size + 2 + text.length, end))
    bytes[0] = VERSION
    bytes[1] = this.#count
    bytes[2] = used.length
    this.#rows.copy(bytes, ROWS_AT, 0, this.#count * ROW_BYTES)
    let at = end
    for (const text of texts) {
      at = bytes.writeUInt16BE(text.length, at)
      at += text.copy(bytes, at)
    }
    return bytes
  }

  get count(): number {
    return this.#count
  }

  /** Row of a UID; -1 when it is not there. */
  find(uid: number): number {
    const place = uid - this.number * PAGE_UIDS
    // Rows rise with their places, so none stands behind its own: a full page answers at once.
    for (let row = Math.min(place, this.#count - 1); row >= 0; row--) {
      const at = this.#rows[row * ROW_BYTES] as number
      if (at <= place) return at === place ? row : -1
    }
    return -1
  }

  uidAt(row: number): number {
    return this.number * PAGE_UIDS + (this.#rows[row * ROW_BYTES] as number)
  }

  bitsAt(row: number): number {
    return this.#rows[row * ROW_BYTES + BITS] as number
  }

  keywordsAt(row: number): string {
    const number = this.#rows[row * ROW_BYTES + KEYWORDS] as number
    return number === 0 ? '' : (this.#keywords[number - 1] as string)
  }

  modSeqAt(row: number): bigint {
    return this.#rows.readBigUInt64BE(row * ROW_BYTES + MODSEQ)
  }

  /** Adds the page's messages to columns, whose messages are all below them. */
  addTo(columns: StateColumnsBuilder): void {
    const rows = this.#rows
    for (let row = 0; row < this.#count; row++) {
      const at = row * ROW_BYTES
      columns.add(
        this.uidAt(row),
        rows[at + BITS] as number,
        rows[at + KEYWORDS] === 0 ? '' : this.keywordsAt(row),
        rows.readUInt32BE(at + MODSEQ) * 2 ** 32 + rows.readUInt32BE(at + MODSEQ + 4),
        rows.readDoubleBE(at + DATE),
        rows.readUIntBE(at + SIZE, 6),
      )
    }
  }

  recordAt(row: number): StateRecord {
    return {
      bits: this.bitsAt(row),
      keywords: this.keywordsAt(row),
      modSeq: this.modSeqAt(row),
      internalDate: this.#rows.readDoubleBE(row * ROW_BYTES + DATE),
      size: this.#rows.readUIntBE(row * ROW_BYTES + SIZE, 6),
    }
  }

  /** @param modSeq of the row, when the caller has it */
  stateAt(row: number, modSeq = this.modSeqAt(row)): MessageState {
    return {
      uid: this.uidAt(row),
      flags: flagList(this.bitsAt(row), this.keywordsAt(row)),
      modSeq,
      internalDate: this.#rows.readDoubleBE(row * ROW_BYTES + DATE),
      size: this.#rows.readUIntBE(row * ROW_BYTES + SIZE, 6),
    }
  }

  setFlags(row: number, flags: Flags, modSeq: bigint): void {
    const at = row * ROW_BYTES
    this.#rows[at + BITS] = flags.bits
    this.#rows[at + KEYWORDS] = this.#numberOf(flags.keywords)
    this.#rows.writeBigUInt64BE(modSeq, at + MODSEQ)
  }

  /** Adds a message, whose UID is above all others of the page. */
  add(uid: number, state: StateRecord): void {
    const row = this.#count
    const at = row * ROW_BYTES
    this.#rows[at] = uid - this.number * PAGE_UIDS
    this.#rows.writeDoubleBE(state.internalDate, at + DATE)
    this.#rows.writeUIntBE(state.size, at + SIZE, 6)
    this.#count += 1
    this.setFlags(row, state, state.modSeq)
  }

  remove(row: number): void {
    this.#rows.copyWithin(row * ROW_BYTES, (row + 1) * ROW_BYTES, this.#count * ROW_BYTES)
    this.#count -= 1
  }

  #numberOf(keywords: string): number {
    if (keywords === '') return 0
    const known = this.#keywords.indexOf(keywords)
    if (known !== -1) return known + 1
    // One commit may give the messages of a page many sets in turn: those that none has any more make room.
    if (this.#keywords.length === 0xff) {
      const used: string[] = []
      this.#renumber(used)
      this.#keywords.splice(0, this.#keywords.length, ...used)
    }
    return this.#keywords.push(keywords)
  }

  /** Gives the sets that some row has new numbers, in the order of `used`, which it fills. */
  #renumber(used: string[]): void {
    for (let row = 0; row < this.#count; row++) {
      const keywords = this.keywordsAt(row)
      if (keywords === '') continue
      const known = used.indexOf(keywords)
      this.#rows[row * ROW_BYTES + KEYWORDS] = known === -1 ? used.push(keywords) : known + 1
    }
    this.#keywords.splice(0, this.#keywords.length, ...used)
  }
}

/** What a page's bytes are made of. */
interface Frame {
  readonly count: number
  /** One past the last row. */
  readonly end: number
  readonly keywords: string[]
}

function readFrame(bytes: Buffer): Frame {
  const [version, count, sets] = bytes
  const end = ROWS_AT + (count ?? 0) * ROW_BYTES
  if (version !== VERSION || count === undefined || count > PAGE_UIDS || sets === undefined || bytes.length < end) {
    throw corrupt()
  }
  const keywords: string[] = []
  let at = end
  for (let left = sets; left > 0; left--) {
    if (at + 2 > bytes.length) throw corrupt()
    const textEnd = at + 2 + bytes.readUInt16BE(at)
    keywords.push(bytes.toString('latin1', at + 2, textEnd))
    at = textEnd
  }
  if (at !== bytes.length) throw corrupt()
  let last = -1
  for (let row = ROWS_AT; row < end; row += ROW_BYTES) {
    const place = bytes[row] as number
    if (place <= last || place >= PAGE_UIDS || (bytes[row + KEYWORDS] as number) > sets) throw corrupt()
    last = place
  }
  return { count, end, keywords }
}

const corrupt = () => new MailError('CORRUPT', 'the states of some messages are unreadable')
