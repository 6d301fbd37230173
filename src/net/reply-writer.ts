import type { Duplex } from 'node:stream'
import type { Clock } from '../kernel/clock.ts'

/** Small replies are sent together once they make up this much. */
const BATCH_BYTES = 16 * 1024
/** How long the peer may take to close its side after we closed ours. */
const LINGER_MS = 2_000

export interface ReplyWriterOptions {
  readonly clock: Clock
  /** How long the peer may take to read what fills our buffer; then it is cut off. */
  readonly stallTimeoutMs: number
}

/** The peer is gone, or does not read. The session ends; there is nobody to answer. */
export class PeerGone extends Error {
  override readonly name = 'PeerGone'
}

/**
 * Writes replies with back-pressure: a peer that never reads costs one buffer, and after a while its connection.
 * Replies gather until `flush`, or until they are worth a packet of their own, so that a pipelined group of commands is
 * answered in one write.
 */
export class ReplyWriter {
  readonly #sink: Duplex
  readonly #options: ReplyWriterOptions
  #pending: (Buffer | string)[] = []
  #pendingBytes = 0

  constructor(sink: Duplex, options: ReplyWriterOptions) {
    this.#sink = sink
    this.#options = options
    sink.on('error', ignore)
  }

  /** Resolves when more may be written. A buffer must not be changed after. @throws PeerGone */
  async write(data: Buffer | string): Promise<void> {
    this.#pending.push(data)
    this.#pendingBytes += data.length
    if (this.#pendingBytes >= BATCH_BYTES) await this.flush()
  }

  /** Sends what has gathered. @throws PeerGone */
  async flush(): Promise<void> {
    if (this.#pending.length === 0) return
    const pending = this.#pending
    this.#pending = []
    this.#pendingBytes = 0
    if (!this.#isWritable) throw new PeerGone('the peer has left')
    let hasRoom = true
    this.#sink.cork()
    for (const data of pending) hasRoom = this.#sink.write(data)
    this.#sink.uncork()
    if (!hasRoom && this.#sink.writableNeedDrain) await this.#inTime((done) => this.#sink.once('drain', done))
  }

  /** Sends what has gathered and waits until the system has it all: before TLS takes the connection over. @throws PeerGone */
  async drain(): Promise<void> {
    await this.flush()
    if (this.#sink.writableLength > 0) await this.#inTime((done) => this.#sink.write('', done))
  }

  /** Sends what has gathered, then closes our side, and the whole connection when the peer has or takes too long. */
  async close(): Promise<void> {
    const sink = this.#sink
    try {
      await this.flush()
    } catch {
      // Nobody to say it to.
    }
    if (sink.destroyed) return
    const closed = new Promise<void>((resolve) => sink.once('close', () => resolve()))
    const cancel = this.#options.clock.after(LINGER_MS, () => sink.destroy())
    // What still comes in must be read: closing with unread octets resets, and takes the last reply with it.
    sink.removeAllListeners('data')
    sink.resume()
    sink.end()
    await closed
    cancel()
  }

  get #isWritable(): boolean {
    return !this.#sink.destroyed && this.#sink.writable
  }

  /** Resolves when the peer has read enough for `done` to be called. */
  #inTime(wait: (done: () => void) => void): Promise<void> {
    const { clock, stallTimeoutMs } = this.#options
    return new Promise((resolve, reject) => {
      const settle = () => {
        cancel()
        this.#sink.off('drain', onDone)
        this.#sink.off('close', onClose)
      }
      const onDone = () => {
        settle()
        resolve()
      }
      const onClose = () => {
        settle()
        reject(new PeerGone('the peer has left'))
      }
      const cancel = clock.after(stallTimeoutMs, () => {
        settle()
        this.#sink.destroy()
        reject(new PeerGone(`the peer has read nothing for ${stallTimeoutMs} ms`))
      })
      this.#sink.once('close', onClose)
      wait(onDone)
    })
  }
}

function ignore(): void {}
