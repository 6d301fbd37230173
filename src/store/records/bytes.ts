import { MailError } from '../../errors/mail-error.ts'

/** Writes numbers of any size up to 2^53 in as few octets as they need (LEB128), texts and bytes with their length. */
export class ByteWriter {
  #bytes: Buffer
  #at = 0

  constructor(expected = 1024) {
    this.#bytes = Buffer.allocUnsafe(expected)
  }

  byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  varint(value: number): void {
    this.#room(8)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#at++] = rest
  }

  double(value: number): void {
    this.#room(8)
    this.#at = this.#bytes.writeDoubleBE(value, this.#at)
  }

  bytes(value: Buffer): void {
    this.varint(value.length)
    this.#room(value.length)
    this.#at += value.copy(this.#bytes, this.#at)
  }

  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.varint(length)
    this.#room(length)
    this.#at += this.#bytes.write(value, this.#at, 'utf8')
  }

  /** What was written; the writer is done. */
  end(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  #room(needed: number): void {
    if (this.#at + needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + needed))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}

/** Reads what a ByteWriter wrote. Every read past the end is a MailError CORRUPT, never a wrong value. */
export class ByteReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  /** Octets read so far, what was skipped at the beginning included. */
  get position(): number {
    return this.#at
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    const value = this.#bytes[this.#at++]
    if (value === undefined) throw corrupt()
    return value
  }

  varint(): number {
    // Nearly all have one octet or two.
    const first = this.byte()
    if (first < 0x80) return first
    const second = this.byte()
    if (second < 0x80) return (first & 0x7f) | (second << 7)
    let value = (first & 0x7f) | ((second & 0x7f) << 7)
    let scale = 0x4000
    for (;;) {
      const octet = this.byte()
      value += (octet & 0x7f) * scale
      if (octet < 0x80) return value
      scale *= 0x80
      if (scale > 2 ** 53) throw corrupt()
    }
  }

  double(): number {
    const at = this.#advance(8)
    return this.#bytes.readDoubleBE(at)
  }

  /** Passes bytes that were written with their length. @returns where they begin; they end at the position */
  skipBytes(): number {
    const length = this.varint()
    return this.#advance(length)
  }

  text(): string {
    const length = this.varint()
    const at = this.#advance(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  #advance(length: number): number {
    const at = this.#at
    if (at + length > this.#bytes.length) throw corrupt()
    this.#at = at + length
    return at
  }
}

const corrupt = () => new MailError('CORRUPT', 'a stored record ends too early')
