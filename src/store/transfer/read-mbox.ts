import { open } from 'node:fs/promises'
import { headerEnd, headerFields, selectFields, unfold } from '../../mail/header.ts'
import { flagsOfFields, MBOX_FIELDS, parseFromLine } from './mbox-status.ts'
import type { IncomingMessage } from './transfer-message.ts'

const PIECE = 1024 * 1024
const LF = 10
const CR = 13
const QUOTE = 0x3e
const FROM = Buffer.from('From ')
const MAX_FROM_LINE = 1_000
/** A header section that is longer is taken as it is. */
const MAX_HEADER = 1024 * 1024

/**
 * Messages of an mbox file. A message begins with a `From ` line that has a date, behind an empty line; one `>` is
 * taken off lines that are quoted (mboxrd; mboxo reads the same). Nothing is trusted: a file that is none has no messages.
 */
export async function* readMbox(path: string): AsyncGenerator<IncomingMessage> {
  const text = new MboxText(path)
  try {
    for (let begins = await text.begin(); begins !== undefined; begins = await text.next()) {
      const { header, octets } = await text.message()
      const flags = flagsOfFields(fieldsOf(header))
      if (flags === undefined) continue
      yield { source: `${path}, octet ${begins.offset}`, flags, internalDate: begins.at, octets }
    }
  } finally {
    await text.close()
  }
}

function fieldsOf(header: Buffer): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const { name, value } of headerFields(header)) {
    const lower = name.toLowerCase()
    if (MBOX_FIELDS.has(lower) && !fields.has(lower)) fields.set(lower, unfold(value, 0, value.length))
  }
  return fields
}

interface Begin {
  readonly offset: number
  readonly at: number
}

/** The text of an mbox file, cut into messages as it is read. */
class MboxText {
  readonly #path: string
  #file: Awaited<ReturnType<typeof open>> | undefined
  #bytes: Buffer = Buffer.alloc(0)
  /** Offset in the file of the first octet of `#bytes`. */
  #offset = 0
  #isAtEnd = false
  /** The message that begins behind what was read; undefined when nothing does. */
  #next: Begin | undefined
  #isInMessage = false
  /** Nothing of the body was read yet. */
  #isAtBody = false
  /** Octets of the body that are left, when its length is known. */
  #exact: number | undefined

  constructor(path: string) {
    this.#path = path
  }

  async begin(): Promise<Begin | undefined> {
    this.#file = await open(this.#path, 'r')
    await this.#fill(MAX_FROM_LINE)
    return this.#takeFromLine(0)
  }

  /** The message behind this one; what was not read of this one is passed over. */
  async next(): Promise<Begin | undefined> {
    while (this.#isInMessage) await this.#piece()
    return this.#next
  }

  /** The header section, and the octets of the message without the fields of the mbox. */
  async message(): Promise<{ header: Buffer; octets: AsyncIterable<Buffer> }> {
    this.#isInMessage = true
    this.#isAtBody = true
    this.#next = undefined
    await this.#fill(MAX_HEADER)
    const end = Math.min(headerEnd(this.#bytes), MAX_HEADER)
    const header = Buffer.from(this.#bytes.subarray(0, end))
    this.#drop(end)
    this.#exact = await this.#lengthOf(header)
    return { header, octets: this.#octets(selectFields(header, MBOX_FIELDS, { not: true })) }
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }

  async *#octets(kept: Buffer): AsyncGenerator<Buffer> {
    if (kept.length > 0) yield kept
    while (this.#isInMessage) {
      const piece = await this.#piece()
      if (piece.length > 0) yield piece
    }
  }

  /**
   * Octets of the body by its Content-Length, when another message or the end of the file is found behind them: then
   * no line is quoted (mboxcl2, as Dovecot and mutt write it). A length that leads nowhere is passed over.
   */
  async #lengthOf(header: Buffer): Promise<number | undefined> {
    const length = Number(fieldsOf(header).get('content-length') ?? Number.NaN)
    if (!Number.isSafeInteger(length) || length < 0) return undefined
    const behind = Buffer.alloc(FROM.length + 2)
    const { bytesRead } = (await this.#file?.read(behind, 0, behind.length, this.#offset + length)) ?? { bytesRead: 0 }
    const text = behind.toString('latin1', 0, bytesRead)
    if (bytesRead > 0) return /^\r?\n(?:From |$)/.test(text) ? length : undefined
    const before = await this.#file?.read(behind, 0, 1, this.#offset + length - 1)
    return before?.bytesRead === 1 ? length : undefined
  }

  async #exactPiece(left: number): Promise<Buffer> {
    await this.#fill(PIECE)
    const piece = this.#bytes.subarray(0, left)
    this.#drop(piece.length)
    this.#exact = left - piece.length
    if (this.#exact > 0 && !this.#isAtEnd) return piece
    await this.#fill(MAX_FROM_LINE)
    let at = 0
    while (this.#bytes[at] === CR || this.#bytes[at] === LF) at++
    this.#isInMessage = false
    this.#takeFromLine(at)
    return piece
  }

  /** The next lines of this message, unquoted; ends the message where another begins. */
  async #piece(): Promise<Buffer> {
    if (this.#exact !== undefined) return this.#exactPiece(this.#exact)
    const isAtBody = this.#isAtBody
    this.#isAtBody = false
    await this.#fill(PIECE)
    const bytes = this.#bytes
    const pieces: Buffer[] = []
    let from = 0
    // The end may be the beginning of something: it waits, unless it is the end of all.
    const limit = this.#isAtEnd ? bytes.length : Math.max(0, bytes.length - MAX_FROM_LINE)
    for (let at = bytes.indexOf(FROM); at !== -1 && at < limit; at = bytes.indexOf(FROM, at + 1)) {
      const before = at === 0 ? LF : bytes[at - 1]
      if (before === QUOTE) {
        let start = at
        while (start > from && bytes[start - 1] === QUOTE) start--
        if (start !== 0 && bytes[start - 1] !== LF) continue
        pieces.push(bytes.subarray(from, start))
        from = start + 1
      } else if (before === LF && isBehindEmptyLine(bytes, at)) {
        const begin = this.#fromLineAt(at)
        if (begin === undefined) continue
        pieces.push(bytes.subarray(from, emptyLineBefore(bytes, at)))
        this.#isInMessage = false
        this.#takeFromLine(at)
        return Buffer.concat(pieces)
      }
    }
    // Empty lines alone must not be waited for without end.
    const whole = this.#isAtEnd ? bytes.length : Math.max(from, lastLine(bytes, limit) || limit)
    const isLast = this.#isAtEnd
    pieces.push(bytes.subarray(from, isLast ? withoutEmptyLine(bytes, from, isAtBody) : whole))
    this.#drop(whole)
    if (isLast) this.#isInMessage = false
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
  }

  #fromLineAt(at: number): Begin | undefined {
    const lineEnd = this.#bytes.indexOf(LF, at)
    if (lineEnd === -1 || lineEnd - at > MAX_FROM_LINE) return undefined
    const time = parseFromLine(this.#bytes.toString('latin1', at, lineEnd))
    return time === undefined ? undefined : { offset: this.#offset + at, at: time }
  }

  #takeFromLine(at: number): Begin | undefined {
    const begin = this.#bytes.subarray(at, at + FROM.length).equals(FROM) ? this.#fromLineAt(at) : undefined
    if (begin !== undefined) this.#drop(this.#bytes.indexOf(LF, at) + 1)
    this.#next = begin
    return begin
  }

  #drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count)
    this.#offset += count
  }

  async #fill(wanted: number): Promise<void> {
    while (!this.#isAtEnd && this.#bytes.length < wanted + MAX_FROM_LINE) {
      const piece = Buffer.allocUnsafe(PIECE)
      const at = this.#offset + this.#bytes.length
      const { bytesRead } = (await this.#file?.read(piece, 0, PIECE, at)) ?? { bytesRead: 0 }
      if (bytesRead === 0) this.#isAtEnd = true
      else this.#bytes = Buffer.concat([this.#bytes, piece.subarray(0, bytesRead)])
    }
  }
}

function isBehindEmptyLine(bytes: Buffer, at: number): boolean {
  if (at === 0) return true
  if (bytes[at - 2] === LF) return true
  return bytes[at - 2] === CR && bytes[at - 3] === LF
}

/** Where the empty line before a message begins: it belongs to neither. */
function emptyLineBefore(bytes: Buffer, at: number): number {
  if (at === 0) return 0
  return bytes[at - 2] === CR ? at - 2 : at - 1
}

/** One past the last line that ends before the limit. */
function lastLine(bytes: Buffer, limit: number): number {
  const at = bytes.lastIndexOf(LF, limit - 1)
  // The empty line at the end may be that before the next message.
  if (at === -1) return limit
  let end = at + 1
  while (end > 0 && (bytes[end - 1] === LF || bytes[end - 1] === CR)) end--
  return end
}

function withoutEmptyLine(bytes: Buffer, from: number, isAtBody: boolean): number {
  const end = bytes.length
  if (isAtBody && from === 0 && /^\r?\n$/.test(bytes.toString('latin1', 0, 3)) && end <= 2) return 0
  if (end - from >= 4 && bytes.subarray(end - 4).equals(Buffer.from('\r\n\r\n'))) return end - 2
  if (end - from >= 2 && bytes[end - 1] === LF && bytes[end - 2] === LF) return end - 1
  return end
}
