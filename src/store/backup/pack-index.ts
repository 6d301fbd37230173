import { hash } from 'node:crypto'
import { MailError } from '../../errors/mail-error.ts'

/** One blob in a pack. */
export interface PackEntry {
  /** SHA-256 of the blob, 32 octets. */
  readonly digest: Buffer
  /** Where its bytes begin in the pack. */
  readonly offset: number
  readonly size: number
}

/**
 * What a pack holds, sorted by digest: `MSX1`, number of entries (u32), then for each entry its digest (32 octets),
 * offset (u48) and size (u48), then the SHA-256 of all before it. Looked up by halving, as it lies in the file.
 */
const MAGIC = Buffer.from('MSX1')
const HEAD = 8
const ENTRY = 44
const DIGEST = 32

export function encodePackIndex(entries: readonly PackEntry[]): Buffer {
  const sorted = [...entries].sort((a, b) => a.digest.compare(b.digest))
  const bytes = Buffer.allocUnsafe(HEAD + sorted.length * ENTRY + DIGEST)
  MAGIC.copy(bytes)
  bytes.writeUInt32BE(sorted.length, MAGIC.length)
  let at = HEAD
  for (const { digest, offset, size } of sorted) {
    digest.copy(bytes, at)
    bytes.writeUIntBE(offset, at + DIGEST, 6)
    bytes.writeUIntBE(size, at + DIGEST + 6, 6)
    at += ENTRY
  }
  hash('sha256', bytes.subarray(0, at), 'buffer').copy(bytes, at)
  return bytes
}

export class PackIndex {
  readonly #bytes: Buffer
  readonly count: number

  /** @throws MailError CORRUPT */
  constructor(bytes: Buffer) {
    const count = bytes.length >= HEAD ? bytes.readUInt32BE(MAGIC.length) : 0
    const end = HEAD + count * ENTRY
    const isWhole = bytes.length === end + DIGEST && bytes.subarray(0, MAGIC.length).equals(MAGIC)
    if (!isWhole || !hash('sha256', bytes.subarray(0, end), 'buffer').equals(bytes.subarray(end))) {
      throw new MailError('CORRUPT', 'the index of a pack is damaged')
    }
    this.#bytes = bytes
    this.count = count
  }

  find(digest: Buffer): PackEntry | undefined {
    let low = 0
    let high = this.count - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const at = HEAD + middle * ENTRY
      const order = this.#bytes.compare(digest, 0, DIGEST, at, at + DIGEST)
      if (order === 0) return this.at(middle)
      if (order < 0) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }

  at(index: number): PackEntry {
    const at = HEAD + index * ENTRY
    return {
      digest: this.#bytes.subarray(at, at + DIGEST),
      offset: this.#bytes.readUIntBE(at + DIGEST, 6),
      size: this.#bytes.readUIntBE(at + DIGEST + 6, 6),
    }
  }

  *[Symbol.iterator](): Iterator<PackEntry> {
    for (let index = 0; index < this.count; index++) yield this.at(index)
  }
}
