import type { Transport } from './transport.ts'

/** Text is gathered up to this many octets before it is sent. */
const BATCH_BYTES = 64 * 1024
/** Octets up to this many are gathered with the text; more are sent as they are, uncopied. */
const SMALL_BYTES = 2 * 1024

/**
 * What a command may say. Nothing is sent before `flush`, or before there is enough of it. A command that makes many
 * responses asks `isFull` between them and awaits `room` when it is: that is how a slow client holds it up.
 */
export interface Responses {
  /** Adds text, one octet a character; the caller ends lines itself. */
  text(text: string): void
  /** Adds octets, which must not change after. */
  octets(octets: Buffer): void
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
  /** In the order to be sent, before the text. */
  #parts: (string | Buffer)[] = []
  #partBytes = 0
  #text = ''
  #isScheduled = false

  constructor(transport: Transport) {
    this.#transport = transport
  }

  text(text: string): void {
    this.#text += text
    if (this.#text.length + this.#partBytes >= BATCH_BYTES) this.flush()
  }

  octets(octets: Buffer): void {
    if (octets.length <= SMALL_BYTES) {
      this.text(octets.toString('latin1'))
      return
    }
    this.#parts.push(this.#text, octets)
    this.#partBytes += this.#text.length + octets.length
    this.#text = ''
    if (this.#partBytes >= BATCH_BYTES) this.flush()
  }

  untagged(text: string): void {
    this.text(`* ${text}\r\n`)
  }

  get isFull(): boolean {
    return this.#transport.isFull
  }

  room(): Promise<void> {
    return this.#transport.drained()
  }

  flush(): void {
    const parts = this.#parts
    const text = this.#text
    if (parts.length === 0 && text === '') return
    this.#text = ''
    if (parts.length > 0) {
      this.#parts = []
      this.#partBytes = 0
      this.#transport.writeAll(text === '' ? parts : [...parts, text])
    } else this.#transport.write(text)
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
