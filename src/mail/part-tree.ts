/**
 * The parts of a message while it is read (RFC 2045, 2046): which are open, which boundary ends them, and what a header
 * opens. Knows offsets and fields, not octets. Limits keep a hostile message from taking more than it is worth: what lies
 * beyond them is a leaf.
 */
import { decodeExtendedValue } from './encoded-word.ts'
import type { Parameters } from './mime-parameters.ts'
import { Part } from './part.ts'
import { type PartFields, readPartFields } from './part-header.ts'
import { TextBeginnings } from './text-beginnings.ts'

/** Octets kept of the message's own header, of each part's, and of all parts' together. */
const MAX_HEADER_BYTES = 1024 * 1024
const MAX_PART_HEADER_BYTES = 64 * 1024
const MAX_ALL_PARTS_HEADER_BYTES = 4 * 1024 * 1024
/** Multiparts and messages within each other. */
const MAX_DEPTH = 100
const MAX_PARTS = 10_000
/** RFC 2046 section 5.1.1 has 70; more of a longer one is not compared. */
export const MAX_BOUNDARY_LENGTH = 200

/** A part whose end has not been seen. */
interface OpenPart {
  readonly part: Part
  /** Octets as characters; undefined when it has none, or its last delimiter has been seen. */
  boundary: string | undefined
  readonly isMessage: boolean
  readonly isInDigest: boolean
}

/** A place in the message: its offset, and the LFs before it. */
export interface Position {
  readonly offset: number
  readonly lines: number
}

export class PartTree {
  readonly root = new Part(0)
  /** The message's own header section, once it has been read. */
  header: Buffer | undefined
  fields: PartFields = {}
  readonly texts = new TextBeginnings()
  /** From the root to the innermost. */
  readonly #open: OpenPart[] = [{ part: this.root, boundary: undefined, isMessage: true, isInDigest: false }]
  #headerBudget = MAX_ALL_PARTS_HEADER_BYTES
  #count = 1
  #boundaries = 0

  /** Can a delimiter end anything? */
  get hasBoundaries(): boolean {
    return this.#boundaries > 0
  }

  /** Octets that may be kept of the next header. */
  get headerLimit(): number {
    if (this.header === undefined) return MAX_HEADER_BYTES
    return Math.max(0, Math.min(MAX_PART_HEADER_BYTES, this.#headerBudget))
  }

  /** First octet of the innermost part's header. */
  get headerStart(): number {
    return this.#innermost.part.headerStart
  }

  get #innermost(): OpenPart {
    return this.#open.at(-1) as OpenPart
  }

  /**
   * Which part a line of two dashes and more delimits, as its place among the open ones, and whether it is that part's last.
   * Undefined for an ordinary line.
   */
  delimited(line: string): { readonly owner: number; readonly isLast: boolean } | undefined {
    const owner = this.#ownerOf(line)
    if (owner === -1) return undefined
    const isLast = line.startsWith('--', (this.#open[owner]?.boundary ?? '').length + 2)
    if (isLast || this.#count < MAX_PARTS) return { owner, isLast }
    // There are parts enough: the last has the rest.
    for (const open of this.#open) this.#closeBoundary(open)
    return undefined
  }

  /** The innermost of those with the longest boundary that the line begins with (RFC 2046 section 5.1.2); -1 when none. */
  #ownerOf(line: string): number {
    let owner = -1
    let length = 0
    for (let place = this.#open.length - 1; place >= 0; place--) {
      const boundary = this.#open[place]?.boundary
      if (boundary === undefined || boundary.length <= length || !line.startsWith(boundary, 2)) continue
      owner = place
      length = boundary.length
    }
    return owner
  }

  /** Ends every part within the owner; after its last delimiter the owner has an epilogue alone. */
  endWithin(owner: number, isLast: boolean, end: Position): void {
    while (this.#open.length > owner + 1) {
      const open = this.#open.pop() as OpenPart
      this.#closeBoundary(open)
      open.part.end(end.offset, end.lines)
    }
    if (isLast) this.#closeBoundary(this.#innermost)
  }

  /** The message has ended, and with it every part. */
  endAll(end: Position): void {
    this.endWithin(0, true, end)
    this.root.end(end.offset, end.lines)
  }

  /** A part of the innermost multipart begins with its header. */
  beginPart(offset: number): void {
    const owner = this.#innermost.part
    const part = this.#addTo(owner, offset)
    this.#open.push({ part, boundary: undefined, isMessage: false, isInDigest: owner.subtype === 'digest' })
  }

  /**
   * The innermost part's header has been read.
   * @param body where its body begins
   * @returns whether the body is a message, whose header comes next
   */
  endHeader(header: Buffer, body: Position): boolean {
    const open = this.#innermost
    const { part, isMessage } = open
    part.bodyStart = body.offset
    part.linesBefore = body.lines
    const media = part.describe(this.#read(header, isMessage), isMessage, open.isInDigest)
    if (media.type === 'text' && !part.isAttachment && this.texts.hasRoom) this.texts.add(part)
    if (media.type === 'multipart') this.#openMultipart(open, boundaryOf(media.parameters))
    return media.type === 'message' && media.subtype === 'rfc822' && this.#openMessage(part)
  }

  #read(header: Buffer, isMessage: boolean): PartFields {
    const fields = readPartFields(header, isMessage)
    if (this.header === undefined) {
      this.header = header
      this.fields = fields
    } else {
      this.#headerBudget -= header.length
    }
    return fields
  }

  #openMultipart(open: OpenPart, boundary: string | undefined): void {
    if (this.#open.length > MAX_DEPTH) {
      open.part.becomeOpaque()
      return
    }
    open.part.shape = 'multipart'
    if (boundary === undefined) return
    open.boundary = boundary
    this.#boundaries++
  }

  #openMessage(owner: Part): boolean {
    if (this.#open.length > MAX_DEPTH || this.#count >= MAX_PARTS) {
      owner.becomeOpaque()
      return false
    }
    owner.shape = 'message'
    const part = this.#addTo(owner, owner.bodyStart)
    this.#open.push({ part, boundary: undefined, isMessage: true, isInDigest: false })
    return true
  }

  #addTo(owner: Part, offset: number): Part {
    const part = new Part(offset)
    owner.children.push(part)
    this.#count++
    return part
  }

  #closeBoundary(open: OpenPart): void {
    if (open.boundary === undefined) return
    open.boundary = undefined
    this.#boundaries--
  }
}

function boundaryOf(parameters: Parameters): string | undefined {
  const extended = parameters.get('boundary*')
  const boundary = parameters.get('boundary') ?? (extended === undefined ? undefined : decodeExtendedValue(extended))
  // It may not end in a space (RFC 2046 section 5.1.1); one that does lost its quotes or was padded on the way.
  const trimmed = boundary?.slice(0, MAX_BOUNDARY_LENGTH).trimEnd()
  return trimmed === '' ? undefined : trimmed
}
