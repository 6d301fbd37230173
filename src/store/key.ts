import type { Key, Range } from './engine.ts'

type Part = string | number | bigint | Buffer

/**
 * Builds a key of parts so that keys sort as their tuples do: text and bytes end with `0x00 0x01`, with `0x00` inside
 * them written as `0x00 0xff`, so whatever follows never changes where they end; a number is 4 octets, a bigint 8,
 * big-endian. Within one position of a key space all parts have the same type, so no type tag is needed.
 */
export function key(...parts: readonly Part[]): Key {
  let end = 0
  for (const part of parts) {
    end = draft(end, part)
    if (end === UNUSUAL) return keyOfAny(parts)
  }
  const bytes = Buffer.allocUnsafe(end)
  DRAFT.copy(bytes, 0, 0, end)
  return bytes
}

/** Nearly all keys fit, and their texts are ASCII: they are put together here, octet by octet, without calls into the runtime. */
const DRAFT = Buffer.alloc(512)
const UNUSUAL = -1

/** @returns where the next part begins; `UNUSUAL` when the part does not fit, or is not as simple */
function draft(at: number, part: Part): number {
  if (typeof part !== 'string') return at + lengthOf(part) > DRAFT.length ? UNUSUAL : write(DRAFT, at, part)
  if (at + part.length + TERMINATOR.length > DRAFT.length) return UNUSUAL
  let end = at
  for (let index = 0; index < part.length; index++) {
    const code = part.charCodeAt(index)
    if (code === 0 || code >= 0x80) return UNUSUAL
    DRAFT[end++] = code
  }
  DRAFT[end] = 0
  DRAFT[end + 1] = 1
  return end + TERMINATOR.length
}

function keyOfAny(parts: readonly Part[]): Key {
  let length = 0
  for (const part of parts) length += lengthOf(part)
  const bytes = Buffer.allocUnsafe(length)
  let at = 0
  for (const part of parts) at = write(bytes, at, part)
  return bytes
}

/** A time or a count as it stands in a key, 8 octets: the same as a bigint, without making one. */
export function u64(value: number): [high: number, low: number] {
  return [Math.floor(value / HIGH), value % HIGH]
}

/** Every key that begins with these parts, the key of exactly these parts included. */
export function prefixRange(...parts: readonly Part[]): Range & { gte: Key; lt: Key } {
  const gte = key(...parts)
  return { gte, lt: successor(gte) }
}

/** Keys of a prefix, from one part on (inclusive) to another (inclusive). */
export function between(prefix: readonly Part[], from: Part, to: Part): Range & { gte: Key; lt: Key } {
  return { gte: key(...prefix, from), lt: successor(key(...prefix, to)) }
}

/** Reads a key back, part by part, in the order it was written. */
export class KeyReader {
  readonly #key: Key
  #at = 0

  constructor(bytes: Key) {
    this.#key = bytes
  }

  text(): string {
    const end = this.#endOfText()
    const octets = this.#key.subarray(this.#at, end)
    this.#at = end + TERMINATOR.length
    return octets.includes(0) ? Buffer.from([...unescaped(octets)]).toString('utf8') : octets.toString('utf8')
  }

  u32(): number {
    const value = this.#key.readUInt32BE(this.#at)
    this.#at += 4
    return value
  }

  u64(): bigint {
    const value = this.#key.readBigUInt64BE(this.#at)
    this.#at += 8
    return value
  }

  #endOfText(): number {
    for (let at = this.#key.indexOf(0, this.#at); at !== -1; at = this.#key.indexOf(0, at + 2)) {
      if (this.#key[at + 1] === 0x01) return at
      if (this.#key[at + 1] !== ESCAPED_ZERO) break
    }
    throw new RangeError('key ends inside a text part')
  }
}

function* unescaped(octets: Buffer): Generator<number> {
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at] as number
    yield octet
    if (octet === 0) at++
  }
}

function lengthOf(part: Part): number {
  if (typeof part === 'number') return 4
  if (typeof part === 'bigint') return 8
  if (typeof part === 'string') return Buffer.byteLength(part) + TERMINATOR.length + count(part, '\0')
  return part.length + TERMINATOR.length + count(part, 0)
}

/** @returns where the next part begins */
function write(bytes: Buffer, at: number, part: Part): number {
  if (typeof part === 'number') return bytes.writeUInt32BE(part, at)
  if (typeof part === 'bigint') return bytes.writeBigUInt64BE(part, at)
  let end = at
  if (typeof part === 'string' && !part.includes('\0')) {
    end += bytes.write(part, at)
  } else {
    for (const octet of typeof part === 'string' ? Buffer.from(part) : part) {
      bytes[end++] = octet
      if (octet === 0) bytes[end++] = ESCAPED_ZERO
    }
  }
  bytes[end] = 0
  bytes[end + 1] = 1
  return end + TERMINATOR.length
}

function count(part: string | Buffer, zero: '\0' | 0): number {
  let zeros = 0
  for (let at = part.indexOf(zero as string); at !== -1; at = part.indexOf(zero as string, at + 1)) zeros++
  return zeros
}

const HIGH = 2 ** 32
const ESCAPED_ZERO = 0xff
const TERMINATOR = Buffer.from([0, 1])

/** The smallest key above every key that begins with this one. */
function successor(prefix: Key): Key {
  const bytes = Buffer.from(prefix)
  for (let at = bytes.length - 1; at >= 0; at--) {
    const octet = bytes[at] as number
    if (octet < 0xff) {
      bytes[at] = octet + 1
      return bytes.subarray(0, at + 1)
    }
  }
  return Buffer.alloc(64, 0xff)
}
