/** DER (X.690), as much of it as a certificate needs: each function returns one element, complete. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const
const CONTEXT = 0x80
const CONSTRUCTED = 0x20

const LAST_UTC_TIME_YEAR = 2049

export const sequence = (...parts: readonly Buffer[]): Buffer => element(TAG.sequence, Buffer.concat(parts))
export const set = (...parts: readonly Buffer[]): Buffer => element(TAG.set, Buffer.concat(parts))
export const utf8String = (text: string): Buffer => element(TAG.utf8String, Buffer.from(text, 'utf8'))
export const octetString = (bytes: Buffer): Buffer => element(TAG.octetString, bytes)
export const yes = (): Buffer => element(TAG.boolean, Buffer.from([0xff]))

/** `[n]` around other elements. */
export const explicit = (n: number, ...parts: readonly Buffer[]): Buffer =>
  element(CONTEXT | CONSTRUCTED | n, Buffer.concat(parts))
/** `[n]` in the place of a primitive's own tag. */
export const implicit = (n: number, bytes: Buffer): Buffer => element(CONTEXT | n, bytes)

/** @param bytes big-endian, taken as positive */
export function integer(bytes: Buffer): Buffer {
  const firstOctet = bytes.findIndex((octet) => octet !== 0)
  const digits = firstOctet < 0 ? Buffer.from([0]) : bytes.subarray(firstOctet)
  const isSigned = ((digits[0] as number) & 0x80) !== 0
  return element(TAG.integer, isSigned ? Buffer.concat([Buffer.from([0]), digits]) : digits)
}

/** @param unused bits at the end of the last octet that mean nothing */
export function bitString(bytes: Buffer, unused = 0): Buffer {
  return element(TAG.bitString, Buffer.concat([Buffer.from([unused]), bytes]))
}

/** @param dotted e.g. `2.5.4.3` */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return element(TAG.objectId, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

/** RFC 5280 section 4.1.2.5: two-digit years up to 2049, four digits from 2050 on. */
export function time(date: Date): Buffer {
  const digits = date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')
  return date.getUTCFullYear() <= LAST_UTC_TIME_YEAR
    ? element(TAG.utcTime, Buffer.from(digits.slice(2)))
    : element(TAG.generalizedTime, Buffer.from(digits))
}

function base128(value: number): number[] {
  const octets = [value & 0x7f]
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) octets.unshift((rest & 0x7f) | 0x80)
  return octets
}

function element(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content])
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length]
  const octets: number[] = []
  for (let rest = length; rest > 0; rest >>>= 8) octets.unshift(rest & 0xff)
  return [0x80 | octets.length, ...octets]
}
