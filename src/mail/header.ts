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

function lineEnd(header: Buffer, from: number): number {
  const lf = header.indexOf(LF, from)
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
    // Where each run of neighbours that are chosen begins and ends: they are copied together.
    const runs: number[] = []
    let last = -1
    let length = 0
    const choose = (from: number, to: number): void => {
      if (from === last) runs[runs.length - 1] = to
      else runs.push(from, to)
      last = to
      length += to - from
    }
    const emptyLine = scanFields(header, (start, nameEnd, _valueStart, end) => {
      const isNamed = nameEnd > start && this.#wanted.has(header, start, nameEnd)
      if (isNamed !== this.#isExcluding) choose(start, end)
    })
    this.#hasEnd = emptyLine < header.length
    if (this.#hasEnd) choose(emptyLine, header[emptyLine] === LF ? emptyLine + 1 : emptyLine + 2)
    if (runs.length === 2) return header.subarray(runs[0], runs[1])
    const chosen = Buffer.allocUnsafe(length)
    let at = 0
    for (let run = 0; run < runs.length; run += 2) at += header.copy(chosen, at, runs[run], runs[run + 1])
    return chosen
  }
}

/** Names of fields, looked up in octets without a string for each. */
class FieldNames {
  readonly #byLength = new Map<number, Buffer[]>()

  constructor(names: Iterable<string>) {
    for (const name of names) {
      const octets = Buffer.from(name.toLowerCase(), 'latin1')
      const others = this.#byLength.get(octets.length)
      if (others === undefined) this.#byLength.set(octets.length, [octets])
      else others.push(octets)
    }
  }

  has(header: Buffer, start: number, end: number): boolean {
    const candidates = this.#byLength.get(end - start)
    return candidates?.some((name) => isSame(name, header, start)) ?? false
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
