import { Duplex, type Writable } from 'node:stream'
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib'

/** Ours is the larger direction, and there may be thousands of sessions: 96 KiB for it instead of 256. */
const DEFLATE = { level: 1, windowBits: 13, memLevel: 7 } as const
/** A client may use the whole window (RFC 4978 section 4). */
const INFLATE = { chunkSize: 16 * 1024 } as const

/**
 * A connection whose two directions are compressed (RFC 1951), as a stream of what they say. All that is written at once is
 * sent at once. However much a little input inflates to, it is read only as fast as it is asked for.
 */
export class DeflatedStream extends Duplex {
  readonly #inner: Duplex
  readonly #deflate: DeflateRaw = createDeflateRaw(DEFLATE)
  readonly #inflate: InflateRaw = createInflateRaw(INFLATE)

  constructor(inner: Duplex) {
    super({ allowHalfOpen: true })
    this.#inner = inner
    const fail = (error: Error) => this.destroy(error)
    this.#deflate.on('data', (octets: Buffer) => inner.write(octets)).on('error', fail)
    this.#inflate.on('data', (octets: Buffer) => this.push(octets) || this.#inflate.pause()).on('error', fail)
    this.#inflate.once('end', () => this.push(null))
    inner.once('close', () => this.destroy())
    inner.on('error', ignore)
    inner.pipe(this.#inflate)
  }

  override _read(): void {
    this.#inflate.resume()
  }

  override _write(octets: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#deflate.write(octets)
    this.#send(done)
  }

  override _writev(parts: { chunk: Buffer }[], done: () => void): void {
    for (const { chunk } of parts) this.#deflate.write(chunk)
    this.#send(done)
  }

  override _final(done: () => void): void {
    this.#deflate.once('end', () => {
      this.#inner.end()
      done()
    })
    this.#deflate.end()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#inner.destroy()
    this.#inflate.destroy()
    this.#deflate.destroy()
    done(error)
  }

  /** Everything written so far goes out; the next is taken once the client has read enough of it. */
  #send(done: () => void): void {
    this.#deflate.flush(constants.Z_SYNC_FLUSH, () => drained(this.#inner, done))
  }
}

function drained(stream: Writable, done: () => void): void {
  if (stream.writableNeedDrain) stream.once('drain', done)
  else done()
}

/** `close` follows, and is what everybody acts on. */
function ignore(): void {}
