/**
 * A header section by offsets (RFC 5322 section 2.2): fields are found in the bytes, never copied, so that what is
 * served and what was received are the same octets. Line ends are CRLF or a bare LF; a lone CR is data.
 */

const LF = 10
const CR = 13
const COLON = 58
const SPACE = 32
const TAB = 9

export interface HeaderFieldSlice {
  /** As it is written; empty when the line is no field (no colon, or a space within the name). */
  readonly name: string
  /** Octets after the colon, folds and the last line end included. */
  readonly value: Buffer
  /** First octet of the field in the section. */
  readonly start: number
  /** One past its last octet, which is the LF of its last line. */
  readonly end: number
}

/**
 * Calls `visit` for every field of a section in order. `nameEnd` is one past the name's last octet and equal to
 * `start` when the line is no field; `valueStart` is past the colon.
 * @returns the offset of the empty line that ends the section, or the section's length when there is none
 */
export function scanFields(
  header: Buffer,
  visit: (start: number, nameEnd: number, valueStart: number, end: number) => void,
): number {
  const length = header.length
  let start = 0
  while (start < length) {
    const first = header[start]
    if (first === LF || (first === CR && header[start + 1] === LF)) return start
    let end = lineEnd(header, start)
    while (end < length && (header[end] === SPACE || header[end] === TAB)) end = lineEnd(header, end)
    let at = start
    while (at < end && (header[at] as number) > SPACE && header[at] !== COLON && header[at] !== 127) at++
    let nameEnd = at
    // RFC 5322 section 4.5: an obsolete field has white space between its name and the colon.
    while (at < end && (header[at] === SPACE || header[at] === TAB)) at++
    if (header[at] !== COLON || at >= end) nameEnd = start
    visit(start, nameEnd, nameEnd === start ? start : at + 1, end)
    start = end
  }
  return length
}

/** Buffer's own looks at the types of what it is given, which takes longer than most lines. */
const indexOf = Uint8Array.prototype.indexOf

function lineEnd(header: Buffer, from: number): number {
  const lf = indexOf.call(header, LF, from)
  return lf === -1 ? header.length : lf + 1
}

/** All fields of a header section in order, up to its empty line. */
export function headerFields(header: Buffer): HeaderFieldSlice[] {
  const fields: HeaderFieldSlice[] = []
  scanFields(header, (start, nameEnd, valueStart, end) => {
    fields.push({
      name: header.toString('latin1', start, nameEnd),
      value: header.subarray(valueStart, end),
      start,
      end,
    })
  })
  return fields
}

/**
 * The unfolded value of the first field with that name (any case), octets as characters; `decodeWords` turns it into
 * text. Undefined when there is no such field.
 */
export function fieldValue(header: Buffer, name: string): string | undefined {
  return fieldValues(header, name)[0]
}

/** The unfolded values of every field with that name, in order. */
export function fieldValues(header: Buffer, name: string): string[] {
  const wanted = name.toLowerCase()
  const values: string[] = []
  scanFields(header, (start, nameEnd, valueStart, end) => {
    if (nameEnd - start !== wanted.length) return
    if (header.toString('latin1', start, nameEnd).toLowerCase() === wanted) values.push(unfold(header, valueStart, end))
  })
  return values
}

/**
 * Takes the line ends out of a raw value and the white space off its ends (RFC 5322 section 2.2.3).
 * @returns octets as characters
 */
export function unfold(header: Buffer, start: number, end: number): string {
  let from = start
  let to = end
  while (from < to && isBlank(header[from] as number)) from++
  while (to > from && isBlank(header[to - 1] as number)) to--
  const text = header.toString('latin1', from, to)
  return text.includes('\n') ? text.replace(/\r?\n/g, '') : text
}

const isBlank = (octet: number): boolean => octet === SPACE || octet === TAB || octet === CR || octet === LF

/** One past the empty line that ends the header section of a message; the whole length when there is none. */
export function headerEnd(message: Buffer): number {
  let start = 0
  while (start < message.length) {
    if (message[start] === LF) return start + 1
    if (message[start] === CR && message[start + 1] === LF) return start + 2
    start = lineEnd(message, start)
  }
  return message.length
}

/**
 * BODY[HEADER.FIELDS (…)] and its `.NOT` (RFC 3501 section 6.4.5): the chosen fields byte for byte and in their order,
 * then the section's empty line, which is there only when the section has one.
 */
export function selectFields(header: Buffer, names: Iterable<string>, options: { not?: boolean } = {}): Buffer {
  return new FieldSelector(names, options).select(header)
}

/** `selectFields` for many headers, whose ends need not be known. */
export class FieldSelector {
  readonly #wanted: FieldNames
  readonly #isExcluding: boolean
  readonly #runs: number[] = []
  #hasEnd = false

  constructor(names: Iterable<string>, { not = false }: { not?: boolean } = {}) {
    this.#wanted = new FieldNames(names)
    this.#isExcluding = not
  }

  /** Had the last header its empty line, or did it go on to the last octet? */
  get hasEnd(): boolean {
    return this.#hasEnd
  }

  /** @param header or a message: what stands behind the empty line is left alone. @returns it may be a part of `header` */
  select(header: Buffer): Buffer {
    const runs = this.find(header)
    if (runs.length === 2) return header.subarray(runs[0], runs[1])
    const pieces: Buffer[] = []
    for (let run = 0; run < runs.length; run += 2) pieces.push(header.subarray(runs[run], runs[run + 1]))
    return Buffer.concat(pieces)
  }

  /**
   * The same where nothing need be copied yet.
   * @param places where the fields of the header are, when that is known; found in the same pass when absent
   * @returns where each run of neighbours that are chosen begins and ends in `header`; good until the next header
   */
  find(header: Buffer, places?: FieldPlaces): readonly number[] {
    this.#runs.length = 0
    const emptyLine = places === undefined ? scanFields(header, this.#look(header)) : this.#lookAt(header, places)
    this.#hasEnd = emptyLine < header.length
    if (this.#hasEnd) this.#choose(emptyLine, header[emptyLine] === LF ? emptyLine + 1 : emptyLine + 2)
    return this.#runs
  }

  #look(header: Buffer): Parameters<typeof scanFields>[1] {
    return (start, nameEnd, _valueStart, end) => {
      if (this.#isChosen(header, start, nameEnd)) this.#choose(start, end)
    }
  }

  #lookAt(header: Buffer, places: FieldPlaces): number {
    const last = places.length - 1
    for (let at = 0; at < last; at += 2) {
      const start = places[at] as number
      if (this.#isChosen(header, start, places[at + 1] as number)) this.#choose(start, places[at + 2] as number)
    }
    return places[last] as number
  }

  #isChosen(header: Buffer, start: number, nameEnd: number): boolean {
    return (nameEnd > start && this.#wanted.has(header, start, nameEnd)) !== this.#isExcluding
  }

  /** Adds to the last run what goes on from there. */
  #choose(from: number, to: number): void {
    const runs = this.#runs
    if (runs.length > 0 && runs[runs.length - 1] === from) runs[runs.length - 1] = to
    else runs.push(from, to)
  }
}

/** Of each field of a header where it begins and where its name ends, then where the empty line is, or the header ends. */
export type FieldPlaces = readonly number[]

/** For a header in which fields are looked for again and again. */
export function fieldPlaces(header: Buffer): FieldPlaces {
  const places: number[] = []
  const emptyLine = scanFields(header, (start, nameEnd) => void places.push(start, nameEnd))
  places.push(emptyLine)
  return places
}

/** Names of fields, looked up in octets without a string for each. */
class FieldNames {
  readonly #byLength: Buffer[][] = []

  constructor(names: Iterable<string>) {
    for (const name of names) {
      const octets = Buffer.from(name.toLowerCase(), 'latin1')
      const others = this.#byLength[octets.length]
      if (others === undefined) this.#byLength[octets.length] = [octets]
      else others.push(octets)
    }
  }

  has(header: Buffer, start: number, end: number): boolean {
    const candidates = this.#byLength[end - start]
    if (candidates !== undefined) for (const name of candidates) if (isSame(name, header, start)) return true
    return false
  }
}

/** @param name in lower case */
function isSame(name: Buffer, header: Buffer, start: number): boolean {
  for (let at = 0; at < name.length; at++) {
    const octet = header[start + at] as number
    const lower = octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet
    if (lower !== name[at]) return false
  }
  return true
}

/** How many hosts a message has passed: its Received fields (RFC 5321 section 6.3). */
export function hopCount(header: Buffer): number {
  return fieldValues(header, 'received').length
}
