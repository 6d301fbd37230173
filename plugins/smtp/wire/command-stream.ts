import { SMTPStream } from 'smtp-server/lib/smtp-stream'
import { DataDecoder, type DataFault } from './data-decoder.ts'
import { LineSplitter } from './line-splitter.ts'

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

/** The source of a message ended otherwise than with a good message. */
export class BadData extends Error {
  override readonly name = 'BadData'
  readonly fault: DataFault

  constructor(fault: DataFault) {
    super(`the message has a fault: ${fault}`)
    this.fault = fault
  }
}

/**
 * The parser of smtp-server with stricter eyes: the library takes a bare LF for the end of a command line and passes on
 * whatever stands in a message. Here both see each octet once, and every line ends in CRLF or is refused.
 */
export class CommandStream extends SMTPStream {
  readonly #limits: StreamLimits
  readonly #lines: LineSplitter
  #decoder: DataDecoder | undefined
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

  override startDataMode() {
    this.#decoder = new DataDecoder(this.#limits.textLineBytes)
    return super.startDataMode(this.#limits.messageBytes)
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
    const stream = this._dataStream
    const decoder = this.#decoder
    if (stream === null || decoder === undefined) {
      done()
      return
    }
    const { pieces, rest } = decoder.decode(chunk)
    let hasRoom = true
    for (const piece of pieces) {
      this._countDataBytes(piece.length)
      // What is over the limit, or wrong, is read and forgotten.
      if (this.isOversized || decoder.fault !== undefined || !stream.writable) continue
      hasRoom = stream.write(piece)
    }
    if (rest !== undefined) {
      const { fault } = decoder
      this._endDataMode(false, rest, done)
      if (fault !== undefined) stream.destroy(new BadData(fault))
      return
    }
    if (hasRoom || stream.destroyed || !stream.writable) {
      done()
      return
    }
    const onRoom = () => {
      stream.off('drain', onRoom)
      stream.off('close', onRoom)
      done()
    }
    stream.once('drain', onRoom)
    stream.once('close', onRoom)
  }

  /** What is left when the peer closes is no command: it has no line end. */
  override _flushData(): void {}
}
