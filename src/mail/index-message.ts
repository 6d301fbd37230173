/**
 * Makes the MessageIndex of a message in one pass over its octets as they arrive (RFC 2045, 2046). Headers are kept while
 * they are read, and within limits; of bodies nothing is kept but where they begin and end, and the first words. No input makes it throw, and
 * a malformed message is shown as the nearest well-formed one: what cannot be taken apart is a leaf.
 */
import { isAscii } from 'node:buffer'
import { parseDate } from './date-time.ts'
import { decodeToLine } from './encoded-word.ts'
import { HeaderBytes } from './header-bytes.ts'
import { LineEnds } from './line-ends.ts'
import { firstMessageId, messageIds } from './message-id.ts'
import type { MessageIndex } from './message-index.ts'
import { MAX_BOUNDARY_LENGTH, PartTree } from './part-tree.ts'

const LF = 10
const CR = 13
const DASH = 45
const LINE_AND_DASHES = Buffer.from('\n--')

/** As much of a line as is looked at: two dashes, a boundary, two dashes. */
const MAX_DELIMITER_LENGTH = MAX_BOUNDARY_LENGTH + 4

/** Identifiers of one field that are kept: a thread hangs on its first and its last ones. */
const MAX_IDS = 100

/** More octets are needed to tell what a line is. */
const MORE = -1
/** The line is an ordinary one. */
const ORDINARY = -2

export class MessageIndexer {
  readonly #tree = new PartTree()
  readonly #lineEnds = new LineEnds()
  #headerBytes = new HeaderBytes(this.#tree.headerLimit)
  /** The end of a chunk that may be the beginning of a delimiter. */
  #carry: Buffer | undefined
  /** Offset in the message of the first octet that is being scanned, and the octet before it. */
  #base = 0
  #octetBefore = 0
  #isInHeader = true
  #isAtLineStart = true
  /** The rest of a delimiter line has yet to come. */
  #isInDelimiter = false
  /** Offset in the message of the line end before the line that is being read. */
  #lineBreak = 0
  #isHeaderEightBit = false
  #isBodyEightBit = false

  /**
   * The message's own header section with its empty line: whole once `write` has been given its end, cut at 1 MiB.
   */
  get header(): Buffer {
    return this.#tree.header ?? this.#headerBytes.kept()
  }

  /** Takes the next octets. A chunk must not be changed afterwards. */
  write(chunk: Buffer): void {
    const data = this.#carry === undefined ? chunk : Buffer.concat([this.#carry, chunk])
    this.#carry = undefined
    const done = this.#scan(data, false)
    // A copy: a view would hold the whole chunk.
    if (done < data.length) this.#carry = Buffer.from(data.subarray(done))
  }

  /** The message has ended. Nothing may be written afterwards. */
  finish(): MessageIndex {
    if (this.#carry !== undefined) this.#scan(this.#carry, true)
    const size = this.#base
    // A delimiter without its line end begins no part.
    if (!this.#isInDelimiter) this.#cutHeaders(size)
    this.#tree.endAll({ offset: size, lines: this.#lineEnds.count })
    return this.#index(size)
  }

  #index(size: number): MessageIndex {
    const { root, fields, texts } = this.#tree
    const structure = root.structure()
    const { subject, date, 'message-id': messageId } = fields
    const sentAt = date === undefined ? undefined : parseDate(date)
    const crlfExtra = this.#lineEnds.bare + (size === 0 || this.#octetBefore === LF ? 0 : 2)
    const id = messageId === undefined ? undefined : firstMessageId(messageId)
    const inReplyTo = idsOf(fields['in-reply-to'])
    const references = idsOf(fields.references)
    const preview = texts.preview()
    return {
      size,
      ...(crlfExtra > 0 && { crlfExtra }),
      envelope: Buffer.from(root.envelope, 'latin1'),
      bodyStructure: Buffer.from(structure.full, 'latin1'),
      body: Buffer.from(structure.plain, 'latin1'),
      root: root.toIndex(),
      ...(subject !== undefined && { subject: decodeToLine(subject) }),
      ...(id !== undefined && { messageId: id }),
      ...(inReplyTo.length > 0 && { inReplyTo }),
      ...(references.length > 0 && { references }),
      ...(sentAt !== undefined && { sentAt }),
      ...(preview !== undefined && { preview }),
      ...(this.#isHeaderEightBit && { eightBitHeader: true }),
      ...(this.#isBodyEightBit && { eightBitBody: true }),
    }
  }

  /** @returns how many octets were taken; the rest wait for more */
  #scan(data: Buffer, isLast: boolean): number {
    let at = 0
    while (at < data.length) {
      const next = this.#step(data, at, isLast)
      if (next === MORE) break
      at = next
    }
    const taken = at === data.length ? data : data.subarray(0, at)
    this.#tree.texts.take(taken, this.#base)
    this.#look(taken)
    this.#base += at
    if (at > 0) this.#octetBefore = data[at - 1] as number
    return at
  }

  /** Has it octets above 127, and on which side of the empty line? Each octet is looked at once, many at a time. */
  #look(taken: Buffer): void {
    if (this.#isBodyEightBit || isAscii(taken)) return
    const { header, root } = this.#tree
    const headerLeft = header === undefined ? taken.length : Math.max(0, root.bodyStart - this.#base)
    this.#isHeaderEightBit ||= !isAscii(taken.subarray(0, headerLeft))
    this.#isBodyEightBit = !isAscii(taken.subarray(headerLeft))
  }

  #step(data: Buffer, at: number, isLast: boolean): number {
    if (this.#isInDelimiter) return this.#skipDelimiter(data, at)
    return this.#isInHeader ? this.#scanHeader(data, at, isLast) : this.#scanBody(data, at, isLast)
  }

  #scanHeader(data: Buffer, from: number, isLast: boolean): number {
    let at = from
    while (at < data.length) {
      if (this.#isAtLineStart) {
        const emptyLine = emptyLineEnd(data, at, isLast)
        if (emptyLine > 0) {
          this.#endLine(data, emptyLine - 1)
          this.#endHeader(this.#headerBytes.end(data.subarray(from, emptyLine)), this.#base + emptyLine)
          return emptyLine
        }
        if (emptyLine === MORE || this.#mayBeDelimiter(data, at)) {
          if (at > from) {
            this.#headerBytes.append(data.subarray(from, at))
            return at
          }
          const delimiter = emptyLine === MORE ? MORE : this.#delimiter(data, at, isLast)
          if (delimiter !== ORDINARY) return delimiter
        }
      }
      const lf = data.indexOf(LF, at)
      this.#isAtLineStart = lf !== -1
      if (lf !== -1) this.#endLine(data, lf)
      at = lf === -1 ? data.length : lf + 1
    }
    this.#headerBytes.append(data.subarray(from, at))
    return at
  }

  #scanBody(data: Buffer, from: number, isLast: boolean): number {
    if (!this.#tree.hasBoundaries) {
      this.#lineEnds.addRange(data, from, data.length, this.#octetBefore)
      return data.length
    }
    if (this.#isAtLineStart) {
      const delimiter = this.#delimiter(data, from, isLast)
      if (delimiter !== ORDINARY) return delimiter
      this.#isAtLineStart = false
    }
    let lf = data.indexOf(LINE_AND_DASHES, from)
    if (lf === -1) lf = lineEndInTail(data, from)
    if (lf === -1) {
      this.#lineEnds.addRange(data, from, data.length, this.#octetBefore)
      return data.length
    }
    this.#lineEnds.addRange(data, from, lf, this.#octetBefore)
    this.#endLine(data, lf)
    this.#isAtLineStart = true
    return lf + 1
  }

  #endLine(data: Buffer, lf: number): void {
    this.#lineBreak = this.#base + lf + 1 - this.#lineEnds.addOne(data, lf, this.#octetBefore)
  }

  #mayBeDelimiter(data: Buffer, at: number): boolean {
    return this.#tree.hasBoundaries && data[at] === DASH && (data[at + 1] ?? DASH) === DASH
  }

  /**
   * At the start of a line: if it is a delimiter of an open multipart, ends the parts within that one and begins the
   * next, or its epilogue.
   * @returns the offset from which to go on, MORE or ORDINARY
   */
  #delimiter(data: Buffer, at: number, isLast: boolean): number {
    if (!this.#mayBeDelimiter(data, at)) return ORDINARY
    const available = data.length - at
    const looked = data.toString('latin1', at, Math.min(at + MAX_DELIMITER_LENGTH, data.length))
    const lf = looked.indexOf('\n')
    if (lf === -1 && available < MAX_DELIMITER_LENGTH && !isLast) return MORE
    const found = this.#tree.delimited(lf === -1 ? looked : looked.slice(0, looked[lf - 1] === '\r' ? lf - 1 : lf))
    if (found === undefined) return ORDINARY
    this.#cutHeaders(this.#lineBreak)
    this.#tree.endWithin(found.owner, found.isLast, { offset: this.#lineBreak, lines: this.#lineEnds.count - 1 })
    this.#isInHeader = !found.isLast
    this.#isInDelimiter = true
    return this.#skipDelimiter(data, at)
  }

  /** Passes to the end of a delimiter line; a part's header begins after it, or an epilogue. */
  #skipDelimiter(data: Buffer, at: number): number {
    const lf = data.indexOf(LF, at)
    if (lf === -1) return data.length
    this.#isInDelimiter = false
    this.#isAtLineStart = true
    this.#endLine(data, lf)
    if (this.#isInHeader) {
      this.#tree.beginPart(this.#base + lf + 1)
      this.#headerBytes = new HeaderBytes(this.#tree.headerLimit)
    }
    return lf + 1
  }

  /** The part ends before its header does: it has no body, nor has the message in it that it may be. */
  #cutHeaders(end: number): void {
    while (this.#isInHeader) this.#endHeader(this.#headerBytes.kept(), Math.max(this.#tree.headerStart, end))
  }

  /** @param bodyStart offset in the message of what follows the header's empty line */
  #endHeader(header: Buffer, bodyStart: number): void {
    this.#isInHeader = this.#tree.endHeader(header, { offset: bodyStart, lines: this.#lineEnds.count })
    if (this.#isInHeader) this.#headerBytes = new HeaderBytes(this.#tree.headerLimit)
    this.#isAtLineStart = true
  }
}

/** The index of a message that is in memory as a whole. */
export function indexMessage(bytes: Buffer): MessageIndex {
  const indexer = new MessageIndexer()
  indexer.write(bytes)
  return indexer.finish()
}

function idsOf(value: string | undefined): readonly string[] {
  const ids = value === undefined ? [] : messageIds(value)
  return ids.length <= MAX_IDS ? ids : [ids[0] as string, ...ids.slice(1 - MAX_IDS)]
}

/** @returns the offset past an empty line at `at`; 0 when there is none; MORE when that cannot be told */
function emptyLineEnd(data: Buffer, at: number, isLast: boolean): number {
  if (data[at] === LF) return at + 1
  if (data[at] !== CR) return 0
  if (at + 1 === data.length) return isLast ? 0 : MORE
  return data[at + 1] === LF ? at + 2 : 0
}

/** The LF of a line end that stands last, or before a single dash that stands last; -1 when there is none. */
function lineEndInTail(data: Buffer, from: number): number {
  const last = data.length - 1
  if (data[last] === LF) return last
  return data[last] === DASH && last > from && data[last - 1] === LF ? last - 1 : -1
}
