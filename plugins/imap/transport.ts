import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from 'mailserver'
import { DeflatedStream } from './deflated-stream.ts'
import { type OctetSource, PeerGone, PeerSilent } from './wire/octet-input.ts'

/** How long a peer that closed its side may wait for the answers to what it had sent. */
const HALF_OPEN_MS = 2_000
/** How long a peer may take to close its side after we closed ours. */
const LINGER_MS = 5_000

/** Somebody wants the session to end: thrown into a wait for the client. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

interface Waiting {
  readonly resolve: (octets: Buffer | undefined) => void
  readonly reject: (reason: Error) => void
}

/**
 * The socket of a session, and the one place that touches it. Octets are read when they are asked for; what a peer sends
 * ahead waits in the socket's own bounded buffer. Only one read at a time.
 */
export class Transport implements OctetSource {
  readonly #clock: Clock
  readonly #stallTimeoutMs: number
  readonly #gone = new AbortController()
  #socket: Socket
  /** What is read and written: the socket, or what it says uncompressed. */
  #stream: Duplex
  #hasEnded = false
  #isDetached = false
  #waiting: Waiting | undefined
  #cancelHalfOpen: (() => void) | undefined

  constructor(socket: Socket, clock: Clock, stallTimeoutMs: number) {
    this.#clock = clock
    this.#stallTimeoutMs = stallTimeoutMs
    this.#socket = socket
    this.#stream = socket
    this.attach(socket)
  }

  /** Fires when the client has left and no answer can reach it. */
  get signal(): AbortSignal {
    return this.#gone.signal
  }

  /** The one in use: after STARTTLS the encrypted one. */
  get socket(): Socket {
    return this.#socket
  }

  read(timeoutMs: number): Promise<Buffer | undefined> {
    const octets: Buffer | null = this.#stream.read()
    if (octets !== null) return Promise.resolve(octets)
    if (this.#hasEnded || this.#stream.destroyed) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeoutMs, () =>
        this.#settle((waiting) => waiting.reject(new PeerSilent(`the client said nothing for ${timeoutMs} ms`))),
      )
      this.#waiting = {
        resolve: (value) => {
          cancel()
          resolve(value)
        },
        reject: (reason) => {
          cancel()
          reject(reason)
        },
      }
    })
  }

  /** Ends a read that waits; nothing happens when none does. */
  interrupt(): void {
    this.#settle((waiting) => waiting.reject(new Interrupted('the session is to end')))
  }

  /** Text is written one octet a character. A buffer must not be changed after. @throws PeerGone */
  write(data: Buffer | string): void {
    // A socket on its way to TLS must not carry our text.
    if (this.#isDetached || this.#stream.destroyed || !this.#stream.writable) throw new PeerGone('the client has left')
    if (typeof data === 'string') this.#stream.write(data, 'latin1')
    else this.#stream.write(data)
  }

  /** Several in one system call. @throws PeerGone */
  writeAll(parts: readonly (Buffer | string)[]): void {
    this.#stream.cork()
    try {
      for (const part of parts) if (part.length > 0) this.write(part)
    } finally {
      this.#stream.uncork()
    }
  }

  /** The client has not read what it was sent: wait with `drained` before more is made. */
  get isFull(): boolean {
    return this.#stream.writableNeedDrain
  }

  /** @throws PeerGone when the client leaves, or reads nothing for the stall timeout */
  drained(): Promise<void> {
    const socket = this.#stream
    if (!socket.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const settle = () => {
        cancel()
        socket.off('drain', onDrain)
        socket.off('close', onClose)
      }
      const onDrain = () => {
        settle()
        resolve()
      }
      const onClose = () => {
        settle()
        reject(new PeerGone('the client has left'))
      }
      const cancel = this.#clock.after(this.#stallTimeoutMs, () => {
        socket.destroy()
        onClose()
      })
      socket.once('drain', onDrain)
      socket.once('close', onClose)
    })
  }

  /** Takes our listeners off the socket, which becomes another's. */
  detach(): Socket {
    this.#isDetached = true
    this.#unlisten()
    return this.#socket
  }

  /** Goes on with a socket: the first one, or the TLS socket around it. */
  attach(socket: Socket): void {
    this.#socket = socket
    this.#isDetached = false
    // A client may close its side behind its last command and still wants the answer.
    socket.allowHalfOpen = true
    this.#listen(socket)
  }

  get isCompressed(): boolean {
    return this.#stream !== this.#socket
  }

  /** Goes on compressed (RFC 4978). What was written before is on its way as it is. */
  compress(): void {
    this.#unlisten()
    this.#listen(new DeflatedStream(this.#socket))
  }

  #listen(stream: Duplex): void {
    this.#stream = stream
    stream.on('error', ignore)
    stream.on('readable', this.#onReadable)
    stream.once('end', this.#onEnd)
    stream.once('close', this.#onClose)
    if (stream.destroyed) this.#onClose()
  }

  #unlisten(): void {
    this.#stream.off('readable', this.#onReadable)
    this.#stream.off('end', this.#onEnd)
    this.#stream.off('close', this.#onClose)
  }

  /** Sends what is left, closes our side, and the whole connection when the peer has or takes too long. */
  async close(): Promise<void> {
    const socket = this.#stream
    this.#cancelHalfOpen?.()
    if (socket.destroyed) return
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const cancel = this.#clock.after(LINGER_MS, () => socket.destroy())
    // What still comes in must be read: closing with unread octets resets, and takes the last answer with it.
    socket.off('readable', this.#onReadable)
    socket.resume()
    socket.end()
    await closed
    cancel()
  }

  destroy(): void {
    this.#stream.destroy()
  }

  #settle(tell: (waiting: Waiting) => void): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) tell(waiting)
  }

  readonly #onReadable = (): void => {
    if (this.#waiting === undefined) return
    const octets: Buffer | null = this.#stream.read()
    if (octets !== null) this.#settle((waiting) => waiting.resolve(octets))
  }

  readonly #onEnd = (): void => {
    this.#hasEnded = true
    this.#settle((waiting) => waiting.resolve(undefined))
    this.#cancelHalfOpen = this.#clock.after(HALF_OPEN_MS, () => this.#leave())
  }

  readonly #onClose = (): void => {
    this.#hasEnded = true
    this.#cancelHalfOpen?.()
    this.#settle((waiting) => waiting.resolve(undefined))
    this.#leave()
  }

  #leave(): void {
    this.#gone.abort(new PeerGone('the client has left'))
  }
}

function ignore(): void {}
