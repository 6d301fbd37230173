import { FieldSelector, headerEnd } from 'mailserver'
import type { Head } from '../kept/kept-heads.ts'
import type { Responses } from '../responses.ts'
import type { SectionItem } from '../wire/fetch-items.ts'
import type { FetchRequest } from './fetch-request.ts'

/** Only headers of messages are asked for, which their first octets have: what a client lists a mailbox by. */
export function isHeadersOnly({ sections, index }: FetchRequest): boolean {
  return index.length === 0 && sections.length > 0 && sections.every(isHeader)
}

function isHeader({ section: { path, what }, decoded }: SectionItem): boolean {
  return path.length === 0 && decoded === undefined && (what === 'header' || what === 'fields' || what === 'fields-not')
}

/**
 * The header section that a message begins with; undefined when it goes on behind what was read.
 * @param size octets of the message
 */
export function headerIn({ octets, places }: Head, size: number): Buffer | undefined {
  if (places !== undefined) return octets
  const end = headerEnd(octets)
  return end === octets.length && end < size ? undefined : octets.subarray(0, end)
}

/** What one item shows of a message's header. One object serves all messages of a FETCH, one after the other. */
export class HeaderSection {
  readonly #item: SectionItem
  /** Undefined when all fields are shown. */
  readonly #selector: FieldSelector | undefined
  #octets: Buffer = NOTHING
  /** Where in the octets each piece that is shown begins and ends. */
  #pieces: readonly number[] = []

  constructor(item: SectionItem) {
    const { what, fields } = item.section
    this.#item = item
    this.#selector = what === 'header' ? undefined : new FieldSelector(fields, { not: what === 'fields-not' })
  }

  /**
   * Goes on with another message. @param size octets of the message
   * @returns how many octets are shown of it; undefined when its header goes on behind what was read
   */
  take(head: Head, size: number): number | undefined {
    const pieces = this.#selector === undefined ? wholeOf(head, size) : fieldsOf(this.#selector, head, size)
    if (pieces === undefined) return undefined
    const { partial } = this.#item
    this.#octets = head.octets
    this.#pieces = partial === undefined ? pieces : clipped(pieces, partial.offset, partial.length)
    let length = 0
    for (let at = 0; at < this.#pieces.length; at += 2) length += this.#sizeAt(at)
    return length
  }

  /** Says what is shown of the message that was taken last. */
  tell(out: Responses): void {
    for (let at = 0; at < this.#pieces.length; at += 2) {
      out.copied(this.#octets, this.#pieces[at] as number, this.#pieces[at + 1] as number)
    }
  }

  #sizeAt(piece: number): number {
    return (this.#pieces[piece + 1] as number) - (this.#pieces[piece] as number)
  }
}

function wholeOf(head: Head, size: number): readonly number[] | undefined {
  const header = headerIn(head, size)
  return header === undefined ? undefined : [0, header.length]
}

/** One pass finds the fields and the header's end. */
function fieldsOf(selector: FieldSelector, { octets, places }: Head, size: number): readonly number[] | undefined {
  const pieces = selector.find(octets, places)
  return selector.hasEnd || places !== undefined || octets.length >= size ? pieces : undefined
}

/** Of pieces that lie one behind the other, those from an offset on (RFC 3501 section 6.4.5: a partial fetch). */
function clipped(pieces: readonly number[], offset: number, length: number): readonly number[] {
  const left: number[] = []
  let [skip, room] = [offset, length]
  for (let at = 0; at < pieces.length && room > 0; at += 2) {
    const [from, to] = [pieces[at] as number, pieces[at + 1] as number]
    const start = Math.min(from + skip, to)
    skip -= start - from
    const end = Math.min(start + room, to)
    room -= end - start
    if (end > start) left.push(start, end)
  }
  return left
}

const NOTHING = Buffer.alloc(0)
