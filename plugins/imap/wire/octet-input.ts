/** Where octets come from: a socket, or a test. */
export interface OctetSource {
  /** The next octets; undefined at the end. @throws PeerSilent when nothing came in `timeoutMs` */
  read(timeoutMs: number): Promise<Buffer | undefined>
}

/** The peer is gone: nobody is left to answer. */
export class PeerGone extends Error {
  override readonly name = 'PeerGone'
}

/** The peer said nothing for too long. */
export class PeerSilent extends Error {
  override readonly name = 'PeerSilent'
}

const LF = 0x0a
const CR = 0x0d
const EMPTY = Buffer.alloc(0)

/** A line that is over the bound. */
export class LongLine {
  /** Its first octets, in which the tag stands. */
  readonly start: Buffer
  /** No end was found: what follows cannot be told apart from it. */
  readonly isEndless: boolean

  constructor(start: Buffer, isEndless: boolean) {
    this.start = start
    this.isEndless = isEndless
  }
}

const START_BYTES = 128

/** Cuts a source into lines and counted octets. Holds one line and one read of the source at most. */
export class OctetInput {
  readonly #source: OctetSource
  #octets: Buffer = EMPTY

  constructor(source: OctetSource) {
    this.#source = source
  }

  /** Octets that came and were not taken. */
  get buffered(): number {
    return this.#octets.length
  }

  /**
   * A line without its CRLF (a bare LF ends one too), or a LongLine once `max` octets have been seen and no end; the rest
   * of the line is dropped, `dropped` at most.
   * @throws PeerGone, PeerSilent
   */
  async line(max: number, wait: { firstMs: number; restMs: number }, dropped: number): Promise<Buffer | LongLine> {
    let searched = 0
    let timeoutMs = wait.firstMs
    for (;;) {
      const end = this.#octets.indexOf(LF, searched)
      if (end !== -1) {
        const line = this.#octets.subarray(0, this.#octets[end - 1] === CR ? end - 1 : end)
        this.#octets = this.#octets.subarray(end + 1)
        return line.length > max ? this.#long(line, false) : line
      }
      searched = this.#octets.length
      if (searched > max) return this.#dropLine(dropped, wait.restMs)
      if (searched > 0) timeoutMs = wait.restMs
      await this.#more(timeoutMs)
    }
  }

  /** The next line when it is here already and no longer than `max`; `skipLine` takes it. */
  peekLine(max: number): Buffer | undefined {
    const end = this.#octets.indexOf(LF)
    if (end === -1) return undefined
    const line = this.#octets.subarray(0, this.#octets[end - 1] === CR ? end - 1 : end)
    return line.length > max ? undefined : line
  }

  skipLine(): void {
    this.#octets = this.#octets.subarray(this.#octets.indexOf(LF) + 1)
  }

  /** Some octets, at least one, `max` at most. @throws PeerGone, PeerSilent */
  async some(max: number, timeoutMs: number): Promise<Buffer> {
    if (this.#octets.length === 0) await this.#more(timeoutMs)
    const octets = this.#octets.subarray(0, max)
    this.#octets = this.#octets.subarray(octets.length)
    return octets
  }

  /** Forgets what came and was not taken: nothing said before TLS counts after it. */
  clear(): void {
    this.#octets = EMPTY
  }

  async #more(timeoutMs: number): Promise<void> {
    const octets = await this.#source.read(timeoutMs)
    if (octets === undefined) throw new PeerGone('the client closed the connection')
    this.#octets = this.#octets.length === 0 ? octets : Buffer.concat([this.#octets, octets])
  }

  #long(line: Buffer, isEndless: boolean): LongLine {
    return new LongLine(Buffer.from(line.subarray(0, START_BYTES)), isEndless)
  }

  async #dropLine(max: number, timeoutMs: number): Promise<LongLine> {
    const start = this.#octets.subarray(0, START_BYTES)
    let dropped = 0
    for (;;) {
      const end = this.#octets.indexOf(LF)
      if (end !== -1) {
        this.#octets = this.#octets.subarray(end + 1)
        return this.#long(start, false)
      }
      dropped += this.#octets.length
      this.#octets = EMPTY
      if (dropped > max) return this.#long(start, true)
      await this.#more(timeoutMs)
    }
  }
}
