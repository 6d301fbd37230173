import { type BlobRef, type BlobStore, transferDecoder } from 'mailserver'
import type { OctetRange } from './section-range.ts'

/** The content transfer encodings that can be undone (RFC 2045 section 6). */
const KNOWN: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary', 'base64', 'quoted-printable'])

/** A part whose content transfer encoding is not known: answered NO with UNKNOWN-CTE (RFC 3516 section 4.3). */
export class UnknownEncoding extends Error {
  override readonly name = 'UnknownEncoding'
}

/** A part without its content transfer encoding (RFC 3516), read as often as it is asked for and never held whole. */
export class DecodedPart {
  readonly #blobs: BlobStore
  readonly #blob: BlobRef
  readonly #range: OctetRange
  readonly #encoding: string

  /** @throws UnknownEncoding */
  constructor(blobs: BlobStore, blob: BlobRef, range: OctetRange, encoding: string) {
    if (!KNOWN.has(encoding)) throw new UnknownEncoding(encoding)
    this.#blobs = blobs
    this.#blob = blob
    this.#range = range
    this.#encoding = encoding
  }

  async size(): Promise<number> {
    let size = 0
    for await (const octets of this.octets()) size += octets.length
    return size
  }

  /** @param from first octet of the decoded part. @param length octets at most */
  async *octets(from = 0, length = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer, void, undefined> {
    let skip = from
    let left = length
    for await (const octets of this.#all()) {
      const kept = octets.subarray(Math.min(skip, octets.length)).subarray(0, left)
      skip -= Math.min(skip, octets.length)
      left -= kept.length
      if (kept.length > 0) yield kept
      if (left === 0) return
    }
  }

  async *#all(): AsyncGenerator<Buffer, void, undefined> {
    if (this.#range.end <= this.#range.start) return
    const decoder = transferDecoder(this.#encoding)
    const stream = this.#blobs.stream(this.#blob, this.#range)
    try {
      for await (const octets of stream as AsyncIterable<Buffer>) yield decoder.push(octets)
      yield decoder.end()
    } finally {
      stream.destroy()
    }
  }
}
