import type { Transport } from './transport.ts'

/** So much is gathered before it is sent. */
const BATCH_BYTES = 128 * 1024
/** Octets up to this many are gathered with the text; more are sent as they are, uncopied. */
const SMALL_BYTES = 2 * 1024
/** Text beyond this is put into a chunk: short answers, which most are, need none. */
const TEXT_LENGTH = 1024
const CHUNK_BYTES = 64 * 1024
const FIRST_CHUNK_BYTES = 2 * 1024

/**
 * What a command may say. Nothing is sent before `flush`, or before there is enough of it. A command that makes many
 * responses asks `isFull` between them and awaits `room` when it is: that is how a slow client holds it up.
 */
export interface Responses {
  /** Adds text, one octet a character; the caller ends lines itself. */
  text(text: string): void
  /** Adds octets, which must not change after. */
  octets(octets: Buffer): void
  /** Adds a copy of the octets from `start` up to `end`. */
  copied(octets: Buffer, start: number, end: number): void
  /** Adds `* `, the text and CRLF. */
  untagged(text: string): void
  readonly isFull: boolean
  /** Resolves when the client has read enough. @throws PeerGone */
  room(): Promise<void>
  /** Sends what was gathered. @throws PeerGone */
  flush(): void
}

export class ResponseWriter implements Responses {
  readonly #transport: Transport
  /** What comes before the open chunk, in order. */
  #parts: Buffer[] = []
  #partBytes = 0
  /** Filled from `#from` to `#to` with what is not in `#parts` yet. */
  #chunk: Buffer | undefined
  #from = 0
  #to = 0
  /** What comes after the chunk. */
  #text = ''
  #isScheduled = false
  #hasWritten = false

  constructor(transport: Transport) {
    this.#transport = transport
  }

  text(text: string): void {
    this.#text += text
    if (this.#text.length > TEXT_LENGTH) this.#settleText()
  }

  octets(octets: Buffer): void {
    if (octets.length <= SMALL_BYTES) {
      if (this.#text !== '') this.#settleText()
      // Not Buffer's own copy, which looks at all it is given first: half the time of an envelope.
      this.#room(octets.length).set(octets, this.#to)
      this.#to += octets.length
    } else {
      if (this.#text !== '') this.#settleText()
      this.#closeSlice()
      this.#add(octets)
    }
  }

  copied(octets: Buffer, start: number, end: number): void {
    if (end - start > CHUNK_BYTES) {
      this.octets(Buffer.from(octets.subarray(start, end)))
      return
    }
    if (this.#text !== '') this.#settleText()
    const chunk = this.#room(end - start)
    this.#to += octets.copy(chunk, this.#to, start, end)
  }

  untagged(text: string): void {
    this.text(`* ${text}\r\n`)
  }

  get isFull(): boolean {
    // Asked after every response, while only one in hundreds is sent at once.
    if (this.#hasWritten) this.#hasWritten = this.#transport.isFull
    return this.#hasWritten
  }

  room(): Promise<void> {
    return this.#transport.drained()
  }

  flush(): void {
    if (this.#parts.length === 0 && this.#to === this.#from) {
      const text = this.#text
      this.#text = ''
      if (text !== '') this.#write(() => this.#transport.write(text))
      return
    }
    if (this.#text !== '') this.#settleText()
    this.#closeSlice()
    const parts = this.#parts
    this.#parts = []
    this.#partBytes = 0
    this.#chunk = undefined
    if (parts.length > 0) this.#write(() => this.#transport.writeAll(parts))
  }

  /** Moves the text into the chunk. */
  #settleText(): void {
    const text = this.#text
    this.#text = ''
    if (text.length > CHUNK_BYTES) {
      this.#closeSlice()
      this.#add(Buffer.from(text, 'latin1'))
      return
    }
    const chunk = this.#room(text.length)
    this.#to += chunk.write(text, this.#to, 'latin1')
  }

  /** A chunk with so much room. */
  #room(bytes: number): Buffer {
    if (this.#chunk !== undefined && this.#to + bytes <= this.#chunk.length) return this.#chunk
    const isFirst = this.#chunk === undefined && bytes <= FIRST_CHUNK_BYTES
    this.#closeSlice()
    // The first comes from Node's pool: an answer with one envelope in it should not cost a chunk.
    this.#chunk = isFirst ? Buffer.allocUnsafe(FIRST_CHUNK_BYTES) : Buffer.allocUnsafeSlow(CHUNK_BYTES)
    this.#from = 0
    this.#to = 0
    return this.#chunk
  }

  #closeSlice(): void {
    if (this.#chunk === undefined || this.#to === this.#from) return
    const slice = this.#chunk.subarray(this.#from, this.#to)
    this.#from = this.#to
    this.#add(slice)
  }

  #add(part: Buffer): void {
    this.#parts.push(part)
    this.#partBytes += part.length
    if (this.#partBytes >= BATCH_BYTES) this.flush()
  }

  #write(send: () => void): void {
    this.#hasWritten = true
    send()
  }

  /** Sends what was gathered in the next turn of the loop: answers to pipelined commands go together. */
  flushSoon(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      try {
        this.flush()
      } catch {
        // The client has left; who reads from it next is told so.
      }
    })
  }
}
