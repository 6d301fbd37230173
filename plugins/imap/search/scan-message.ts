import { setImmediate as nextTurn } from 'node:timers/promises'
import { type BlobRef, type BlobStore, decodeWords, type MessageIndex, type PartIndex } from 'mailserver'
import { transferDecoder } from '../transfer-decoder.ts'
import type { TextSearch } from './fold.ts'

/** Messages up to this size are read at once; of larger ones, part by part, what is text. */
const WHOLE_BYTES = 256 * 1024

export interface ScannedMessage {
  readonly blobs: BlobStore
  readonly blob: BlobRef
  readonly index: MessageIndex
  readonly signal: AbortSignal
}

type Pieces = (start: number, end: number) => AsyncIterable<Buffer>

/**
 * Reads what a person would call the text of a message, decoded: with `header` its own header, then the bodies of text
 * parts, and the headers of parts and of messages inside. Ends early once everything is found.
 */
export async function scanMessage(message: ScannedMessage, search: TextSearch, header: boolean): Promise<void> {
  const { blobs, blob, index, signal } = message
  const pieces: Pieces =
    index.size <= WHOLE_BYTES ? whole(await blobs.read(blob)) : (start, end) => streamed(message, start, end)
  const { root } = index
  if (header) await scanHeader(pieces, search, 0, root.bodyStart)
  const left: PartIndex[] = [root]
  for (let part = left.shift(); part !== undefined && !search.isDone; part = left.shift()) {
    signal.throwIfAborted()
    if (part !== root) await scanHeader(pieces, search, part.headerStart, part.bodyStart)
    if (part.children.length > 0) left.unshift(...part.children)
    else if (part.type === 'text' || part.type === 'message') await scanBody(pieces, search, part)
  }
}

function whole(octets: Buffer): Pieces {
  return async function* (start, end) {
    if (start < end) yield octets.subarray(start, end)
  }
}

async function* streamed({ blobs, blob, signal }: ScannedMessage, start: number, end: number): AsyncIterable<Buffer> {
  if (start >= end) return
  const stream = blobs.stream(blob, { start, end })
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      signal.throwIfAborted()
      yield chunk
      // Decoding keeps the loop busy: others get their turn between chunks.
      await nextTurn()
    }
  } finally {
    stream.destroy()
  }
}

async function scanHeader(pieces: Pieces, search: TextSearch, start: number, end: number): Promise<void> {
  search.cut()
  for await (const octets of pieces(start, end)) {
    if (search.isDone) return
    search.push(decodeWords(octets.toString('latin1').replace(/\r?\n(?=[ \t])/g, '')))
  }
}

async function scanBody(pieces: Pieces, search: TextSearch, part: PartIndex): Promise<void> {
  search.cut()
  const transfer = transferDecoder(part.encoding)
  const text = new CharsetDecoder(part.charset)
  for await (const octets of pieces(part.bodyStart, part.bodyEnd)) {
    search.push(text.push(transfer.push(octets)))
    if (search.isDone) return
  }
  search.push(text.push(transfer.end()) + text.end())
}

/** A charset piece by piece. Text that names none, or ASCII, is read as UTF-8 as long as it is. */
class CharsetDecoder {
  #decoder: TextDecoder
  #isGuess: boolean

  constructor(charset: string | undefined) {
    this.#isGuess = charset === undefined || charset === 'us-ascii' || charset === 'utf-8'
    this.#decoder = this.#isGuess ? new TextDecoder('utf-8', { fatal: true }) : decoderOf(charset as string)
  }

  push(octets: Buffer): string {
    try {
      return this.#decoder.decode(octets, { stream: true })
    } catch {
      this.#fallBack()
      return this.#decoder.decode(octets, { stream: true })
    }
  }

  end(): string {
    try {
      return this.#decoder.decode()
    } catch {
      this.#fallBack()
      return ''
    }
  }

  #fallBack(): void {
    this.#isGuess = false
    this.#decoder = new TextDecoder('windows-1252')
  }
}

function decoderOf(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset)
  } catch {
    // A label nobody knows: its octets can still be searched.
    return new TextDecoder('windows-1252')
  }
}
