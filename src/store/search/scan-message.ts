import { isAscii } from 'node:buffer'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { decodeWords } from '../../mail/encoded-word.ts'
import type { MessageIndex, PartIndex } from '../../mail/message-index.ts'
import { transferDecoder } from '../../mail/transfer-decoder.ts'
import type { BlobRef, BlobStore } from '../blob-store.ts'

/** Takes text that comes in pieces. */
export interface TextSink {
  /** Nothing more needs to be read. */
  readonly isDone: boolean
  push(text: string): void
  /** Takes a whole text of ASCII alone, which goes on from nothing and ends here. */
  whole(text: string): void
  /** What comes now does not go on from what came before. */
  cut(): void
}

/** A message that is in memory, or one that is read part by part, what is text. */
export type ScannedMessage =
  | { readonly octets: Buffer; readonly index: MessageIndex }
  | {
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
export async function scanMessage(message: ScannedMessage, sink: TextSink, header: boolean): Promise<void> {
  const { root } = message.index
  if ('octets' in message && scanPlain(message.octets, root, sink, header)) return
  const pieces: Pieces = 'octets' in message ? whole(message.octets) : (start, end) => streamed(message, start, end)
  if (header) await scanHeader(pieces, sink, 0, root.bodyStart)
  const left: PartIndex[] = [root]
  for (let part = left.shift(); part !== undefined && !sink.isDone; part = left.shift()) {
    if ('signal' in message) message.signal.throwIfAborted()
    if (part !== root) await scanHeader(pieces, sink, part.headerStart, part.bodyStart)
    if (part.children.length > 0) left.unshift(...part.children)
    else if (isText(part)) await scanBody(pieces, sink, part)
  }
}

/** Charsets in which octets of ASCII are these characters. */
const ASCII_ALIKE = /^(?:us-ascii|utf-8|iso-8859-\d{1,2}|windows-125\d)$/
const PLAIN_ENCODINGS: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary'])

/**
 * Most messages are ASCII with nothing encoded: their octets are their text, and are searched as one.
 * @returns false, and nothing done, for a message that has to be decoded
 */
function scanPlain(octets: Buffer, root: PartIndex, sink: TextSink, header: boolean): boolean {
  if (!isAscii(octets) || octets.includes('=?') || !isPlain(root)) return false
  if (header) sink.whole(unfolded(latin1(octets, 0, root.bodyStart)))
  const left: PartIndex[] = [root]
  for (let part = left.shift(); part !== undefined && !sink.isDone; part = left.shift()) {
    if (part !== root) sink.whole(unfolded(latin1(octets, part.headerStart, part.bodyStart)))
    if (part.children.length > 0) left.unshift(...part.children)
    else if (isText(part)) sink.whole(latin1(octets, part.bodyStart, part.bodyEnd))
  }
  return true
}

/** Is every text in it written as it is? */
function isPlain(part: PartIndex): boolean {
  if (part.children.length > 0) return part.children.every(isPlain)
  if (!isText(part)) return true
  return PLAIN_ENCODINGS.has(part.encoding) && (part.charset === undefined || ASCII_ALIKE.test(part.charset))
}

const latin1 = (octets: Buffer, start: number, end: number): string => octets.toString('latin1', start, end)

const isText = ({ type }: PartIndex): boolean => type === 'text' || type === 'message'

/** RFC 5322 section 2.2.3. */
const unfolded = (header: string): string => header.replace(/\r?\n(?=[ \t])/g, '')

function whole(octets: Buffer): Pieces {
  return async function* (start, end) {
    if (start < end) yield octets.subarray(start, end)
  }
}

async function* streamed(
  { blobs, blob, signal }: Extract<ScannedMessage, { blob: BlobRef }>,
  start: number,
  end: number,
): AsyncIterable<Buffer> {
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

async function scanHeader(pieces: Pieces, sink: TextSink, start: number, end: number): Promise<void> {
  sink.cut()
  for await (const octets of pieces(start, end)) {
    if (sink.isDone) return
    sink.push(decodeWords(unfolded(octets.toString('latin1'))))
  }
}

async function scanBody(pieces: Pieces, sink: TextSink, part: PartIndex): Promise<void> {
  sink.cut()
  const transfer = transferDecoder(part.encoding)
  const text = new CharsetDecoder(part.charset)
  for await (const octets of pieces(part.bodyStart, part.bodyEnd)) {
    sink.push(text.push(transfer.push(octets)))
    if (sink.isDone) return
  }
  sink.push(text.push(transfer.end()) + text.end())
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
