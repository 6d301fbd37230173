import type { Duplex } from 'node:stream'
import type { Clock } from '../kernel/clock.ts'

const CR = 0x0d
const LF = 0x0a
const EMPTY = Buffer.alloc(0)
/** How much is read ahead of the line in hand: enough for a pipelining peer, and to see that a peer has left. */
const READ_AHEAD_BYTES = 16 * 1024
const DEFAULT_MAX_DISCARD_BYTES = 1024 * 1024

export interface LineReaderOptions {
  /** Octets of a line, its end left out. */
  readonly maxLineBytes: number
  /** Octets of one line that are thrown away past `maxLineBytes` before the reader gives up on the peer. */
  readonly maxDiscardBytes?: number
  /** What a LF without CR is: the end of a line, or a fault. `accept` when absent. */
  readonly bareLf?: 'accept' | 'refuse'
  readonly clock: Clock
}

export type LineEvent =
  /** A line without its end. A view of a larger chunk: copy what is kept. */
  | { readonly kind: 'line'; readonly line: Buffer }
  /** A line over the limit has been thrown away to its end. */
  | { readonly kind: 'too-long' }
  /** A line that ended in a bare LF has been thrown away. */
  | { readonly kind: 'bare-lf' }
  /** A line without an end: more was thrown away than anybody sends by mistake. */
  | { readonly kind: 'flood' }
  /** No whole line in time. */
  | { readonly kind: 'timeout' }
  /** `interrupt` was called. Nothing is lost: what was sent can still be read. */
  | { readonly kind: 'interrupted' }
  /** The peer has closed its side, or the connection is gone. What came after the last line end is dropped. */
  | { readonly kind: 'end' }

/**
 * Reads a connection line by line, for protocols that are made of lines. Holds one line and a bounded read-ahead; a
 * peer that sends more waits. The socket is kept half-open, so that a peer that sends its commands and closes still
 * gets its answers: whoever reads `end` closes the socket.
 */
export class LineReader {
  readonly #source: Duplex
  readonly #options: LineReaderOptions
  #buffer: Buffer = EMPTY
  /** First octet of the buffer that was not looked at for a LF. */
  #scanned = 0
  #discarded = 0
  #hasEnded = false
  #isDetached = false
  #isInterrupted = false
  #waiting: ((event: LineEvent) => void) | undefined

  constructor(source: Duplex, options: LineReaderOptions) {
    this.#source = source
    this.#options = options
    source.allowHalfOpen = true
    source.on('data', this.#onData)
    source.on('end', this.#onEnd)
    source.on('close', this.#onEnd)
    source.on('error', ignore)
    if (source.destroyed || source.readableEnded) this.#hasEnded = true
  }

  /** True when a whole line is here already: a reply to it can wait for those to the lines behind it. */
  get hasLine(): boolean {
    return this.#buffer.includes(LF, this.#scanned)
  }

  /**
   * The next line, or why there is none. One call at a time.
   * @param timeoutMs for the whole line, so that a peer that sends an octet a minute does not keep its place
   */
  read(timeoutMs: number): Promise<LineEvent> {
    const event = this.#isInterrupted ? INTERRUPTED : this.#next()
    this.#isInterrupted = false
    if (event !== undefined) return Promise.resolve(event)
    if (this.#waiting !== undefined) throw new Error('a line is being read already')
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(timeoutMs, () => this.#answer({ kind: 'timeout' }))
      const settle = (answer: LineEvent) => {
        cancel()
        resolve(answer)
      }
      this.#waiting = settle
      this.#source.resume()
    })
  }

  /** Ends the `read` that waits, or else the next one: the server has something to say first. */
  interrupt(): void {
    if (this.#waiting === undefined) this.#isInterrupted = true
    else this.#answer(INTERRUPTED)
  }

  /**
   * Lets go of the connection, for TLS to take over. What the peer sent after the line in hand is thrown away: taken
   * for part of the secure session it would let anybody on the way put commands into it (CVE-2011-0411).
   * @returns how many octets were thrown away
   */
  detach(): number {
    this.#isDetached = true
    this.#source.off('data', this.#onData)
    this.#source.off('end', this.#onEnd)
    this.#source.off('close', this.#onEnd)
    this.#source.pause()
    const discarded = this.#buffer.length
    this.#buffer = EMPTY
    this.#scanned = 0
    this.#answer({ kind: 'end' })
    return discarded
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
    if (this.#waiting !== undefined) {
      const event = this.#next()
      if (event !== undefined) this.#answer(event)
    }
    if (this.#waiting === undefined && this.#buffer.length >= READ_AHEAD_BYTES) this.#source.pause()
  }

  readonly #onEnd = (): void => {
    this.#hasEnded = true
    this.#answer({ kind: 'end' })
  }

  #answer(event: LineEvent): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(event)
  }

  /** What the buffer has to say; undefined when it takes more octets to tell. */
  #next(): LineEvent | undefined {
    if (this.#isDetached) return { kind: 'end' }
    const at = this.#buffer.indexOf(LF, this.#scanned)
    if (at < 0) return this.#unfinished()
    const isCrLf = at > 0 && this.#buffer[at - 1] === CR
    const line = this.#buffer.subarray(0, isCrLf ? at - 1 : at)
    // An empty view would keep its whole chunk in memory for as long as the peer is idle.
    this.#buffer = at + 1 < this.#buffer.length ? this.#buffer.subarray(at + 1) : EMPTY
    this.#scanned = 0
    const isTooLong = this.#discarded > 0 || line.length > this.#options.maxLineBytes
    this.#discarded = 0
    if (isTooLong) return { kind: 'too-long' }
    if (!isCrLf && this.#options.bareLf === 'refuse') return { kind: 'bare-lf' }
    return { kind: 'line', line }
  }

  #unfinished(): LineEvent | undefined {
    const { maxLineBytes, maxDiscardBytes = DEFAULT_MAX_DISCARD_BYTES } = this.#options
    this.#scanned = this.#buffer.length
    // One octet more: the CR of a line that is as long as it may be.
    if (this.#discarded > 0 || this.#buffer.length > maxLineBytes + 1) {
      // The last octet stays: it may be the CR of the line end.
      const dropped = Math.max(0, this.#buffer.length - 1)
      this.#discarded += dropped
      this.#buffer = this.#buffer.subarray(dropped)
      this.#scanned = this.#buffer.length
      if (this.#discarded > maxDiscardBytes) return { kind: 'flood' }
    }
    return this.#hasEnded ? { kind: 'end' } : undefined
  }
}

const INTERRUPTED: LineEvent = { kind: 'interrupted' }

/** A reset is followed by `close`, which is what the reader acts on. */
function ignore(): void {}
