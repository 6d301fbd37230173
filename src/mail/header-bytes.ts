/** The octets of one header section while they arrive: copied only when the section spans chunks, and never more than a limit. */
export class HeaderBytes {
  readonly #limit: number
  #buffer: Buffer | undefined
  #length = 0

  /** @param limit octets that are kept; the section is cut at the last line end before it */
  constructor(limit: number) {
    this.#limit = limit
  }

  append(bytes: Buffer): void {
    const room = Math.min(bytes.length, this.#limit - this.#length)
    if (room <= 0) return
    this.#reserve(this.#length + room)
    bytes.copy(this.#buffer as Buffer, this.#length, 0, room)
    this.#length += room
  }

  /** The section with its last octets; a section that came whole is a view of them. */
  end(bytes: Buffer): Buffer {
    if (this.#buffer === undefined && bytes.length <= this.#limit) return bytes
    this.append(bytes)
    return this.kept()
  }

  kept(): Buffer {
    if (this.#buffer === undefined) return Buffer.alloc(0)
    const kept = this.#buffer.subarray(0, this.#length)
    return this.#length < this.#limit ? kept : kept.subarray(0, kept.lastIndexOf(10) + 1)
  }

  #reserve(length: number): void {
    if (this.#buffer !== undefined && this.#buffer.length >= length) return
    const larger = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(4096, length, (this.#buffer?.length ?? 0) * 2)))
    this.#buffer?.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}
