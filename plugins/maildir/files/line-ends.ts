import { Transform, type TransformCallback } from 'node:stream'

const LF = 0x0a
const CR = 0x0d

/**
 * The store keeps messages with CRLF; programs that read Maildirs expect LF. A message whose every line ends in CRLF is
 * written with LF, and gets its CRs back when it is read: octet for octet what it was.
 */
export function withLf(message: Buffer): Buffer | undefined {
  const text = message.toString('latin1')
  // A bare LF, or a CR before CRLF, would not come back as it was.
  return /(?:^|[^\r])\n|\r\r\n/.test(text) ? undefined : Buffer.from(text.replaceAll('\r\n', '\n'), 'latin1')
}

/** Puts a CR before each LF that has none. */
export function withCrlf(file: Buffer): Buffer {
  if (!file.includes(LF)) return file
  const text = file.toString('latin1')
  const converted = file.includes(CR) ? text.replace(/(?<!\r)\n/g, '\r\n') : text.replaceAll('\n', '\r\n')
  return Buffer.from(converted, 'latin1')
}

/** The same for a stream. */
export class CrlfTransform extends Transform {
  #wasCr = false

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const prefix = this.#wasCr ? 1 : 0
    const known = prefix === 1 ? Buffer.concat([Buffer.from('\r'), chunk]) : chunk
    this.#wasCr = chunk.at(-1) === CR
    done(null, withCrlf(known).subarray(prefix))
  }
}

/** Takes the CR of every CRLF away; `isExact` tells at the end whether it can be put back. */
export class LfTransform extends Transform {
  isExact = true
  #held = false

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let text = chunk.toString('latin1')
    if (this.#held) text = `\r${text}`
    else if (text.startsWith('\n')) this.isExact = false
    this.#held = text.endsWith('\r')
    if (this.#held) text = text.slice(0, -1)
    if (/[^\r]\n|\r\r\n/.test(text) || (this.#held && text.endsWith('\r'))) this.isExact = false
    done(null, Buffer.from(text.replaceAll('\r\n', '\n'), 'latin1'))
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#held ? Buffer.from('\r') : undefined)
  }
}
