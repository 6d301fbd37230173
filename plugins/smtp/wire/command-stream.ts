import { SMTPStream } from 'smtp-server/lib/smtp-stream'
import { BadData } from './bad-data.ts'
import { DataDecoder } from './data-decoder.ts'
import { LineSplitter } from './line-splitter.ts'
import { MessageSource } from './message-source.ts'

type Next = (error?: Error | null) => void

export interface StreamLimits {
  /** Octets of a command line without CRLF. */
  readonly commandBytes: number
  /** Octets of a line of a message without CRLF; 0 for no limit. */
  readonly textLineBytes: number
  /** Octets of a message; 0 for no limit. */
  readonly messageBytes: number
}

/** What a line that is no command is, and what the stream does next. */
export type StreamFault = 'too-long' | 'bare-newline'

/** Commands handled in a row before others get a turn. */
const MAX_IN_A_ROW = 100

interface Incoming {
  readonly source: MessageSource
  readonly decoder: DataDecoder
}

/**
 * The parser of smtp-server with stricter eyes: the library takes a bare LF for the end of a command line and passes on
 * whatever stands in a message. Here both see each octet once, and every line ends in CRLF or is refused.
 */
export class CommandStream extends SMTPStream {
  readonly #limits: StreamLimits
  readonly #lines: LineSplitter
  #message: Incoming | undefined
  /** Goes on with what follows the message; `true` when that may happen as soon as it has ended. */
  #afterMessage: (() => void) | boolean = false
  /** Hears that the peer sends no more, and that all it sent is answered. */
  onend: () => void = () => {}
  /** Answers a line that is no command. The callback goes on reading; after a bare line end it is never called. */
  onfault: (fault: StreamFault, next: () => void) => void = () => {}

  constructor(limits: StreamLimits) {
    super()
    this.#limits = limits
    this.#lines = new LineSplitter(limits.commandBytes)
  }

  /** The message that is being read, or was read last, has more octets than are taken. */
  get isOversized(): boolean {
    const { messageBytes } = this.#limits
    return messageBytes > 0 && this.dataBytes > messageBytes
  }

  /** What comes next is a message. Commands are read again after `continue`. */
  beginMessage(): MessageSource {
    const source = new MessageSource()
    this.#message = { source, decoder: new DataDecoder(this.#limits.textLineBytes) }
    this.#afterMessage = false
    this.dataBytes = 0
    this._dataMode = true
    return source
  }

  /** The message is done with, whether it has ended or not. */
  override continue(): void {
    const after = this.#afterMessage
    this.#afterMessage = true
    if (typeof after === 'function') after()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding | 'buffer', next: Next): void {
    if (this.isClosed || chunk.length === 0) next()
    else if (this._dataMode) this._feedDataStream(chunk, next)
    else this.#commands(chunk, next)
  }

  #commands(chunk: Buffer, next: Next): void {
    let at = 0
    let count = 0
    let isBusy = false
    let isAgain = false
    const step = (): void => {
      // A command that is answered at once calls back from within: loop, for the stack is not endless.
      if (isBusy) {
        isAgain = true
        return
      }
      isBusy = true
      try {
        do {
          isAgain = false
          if (this._dataMode && !this.isClosed) {
            this._write(chunk.subarray(at), 'buffer', next)
            return
          }
          const split = this.isClosed ? undefined : this.#lines.next(chunk, at)
          if (split === undefined) {
            next()
            return
          }
          at = split.end
          if (++count % MAX_IN_A_ROW === 0) {
            setImmediate(() => this.#dispatch(split.found, step))
            return
          }
          this.#dispatch(split.found, step)
        } while (isAgain)
      } finally {
        isBusy = false
      }
    }
    step()
  }

  #dispatch(found: NonNullable<ReturnType<LineSplitter['next']>>['found'], step: () => void): void {
    if (found.kind === 'line') this.oncommand(found.line, step)
    else this.onfault(found.kind, step)
  }

  override _feedDataStream(chunk: Buffer, done: Next): void {
    if (this.#message === undefined) {
      done()
      return
    }
    const { source, decoder } = this.#message
    const { pieces, rest } = decoder.decode(chunk)
    let hasRoom = true
    for (const piece of pieces) {
      this.dataBytes += piece.length
      // What is over the limit, or wrong, is read and forgotten.
      if (!this.isOversized && decoder.fault === undefined) hasRoom = source.push(piece)
    }
    if (rest !== undefined) this.#endMessage(this.#message, rest, done)
    else if (hasRoom) done()
    else source.whenRoom(done)
  }

  #endMessage({ source, decoder }: Incoming, rest: Buffer, done: Next): void {
    this.#message = undefined
    this._dataMode = false
    const isDone = this.#afterMessage === true
    const goOn = () => this._write(rest, 'buffer', done)
    this.#afterMessage = goOn
    source.end(decoder.fault === undefined ? undefined : new BadData(decoder.fault))
    if (isDone) goOn()
  }

  /** What is left when the peer closes is no command: it has no line end. */
  override _flushData(): void {
    this.onend()
  }
}
