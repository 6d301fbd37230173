import { isAscii } from 'node:buffer'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type BlobRef, type BlobStore, decodeWords, type MessageIndex, type PartIndex } from 'mailserver'
import { transferDecoder } from '../transfer-decoder.ts'
import type { TextSearch } from './fold.ts'

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
export async function scanMessage(message: ScannedMessage, search: TextSearch, header: boolean): Promise<void> {
  const { root } = message.index
  if ('octets' in message && scanPlain(message.octets, root, search, header)) return
  const pieces: Pieces = 'octets' in message ? whole(message.octets) : (start, end) => streamed(message, start, end)
  if (header) await scanHeader(pieces, search, 0, root.bodyStart)
  const left: PartIndex[] = [root]
  for (let part = left.shift(); part !== undefined && !search.isDone; part = left.shift()) {
    if ('signal' in message) message.signal.throwIfAborted()
    if (part !== root) await scanHeader(pieces, search, part.headerStart, part.bodyStart)
    if (part.children.length > 0) left.unshift(...part.children)
    else if (isText(part)) await scanBody(pieces, search, part)
  }
}

/** Charsets in which octets of ASCII are these characters. */
const ASCII_ALIKE = /^(?:us-ascii|utf-8|iso-8859-\d{1,2}|windows-125\d)$/
const PLAIN_ENCODINGS: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary'])

/**
 * Most messages are ASCII with nothing encoded: their octets are their text, and are searched as one.
 * @returns false, and nothing done, for a message that has to be decoded
 */
function scanPlain(octets: Buffer, root: PartIndex, search: TextSearch, header: boolean): boolean {
  if (!isAscii(octets) || octets.includes('=?') || !isPlain(root)) return false
  if (header) search.whole(unfolded(latin1(octets, 0, root.bodyStart)))
  const left: PartIndex[] = [root]
  for (let part = left.shift(); part !== undefined && !search.isDone; part = left.shift()) {
    if (part !== root) search.whole(unfolded(latin1(octets, part.headerStart, part.bodyStart)))
    if (part.children.length > 0) left.unshift(...part.children)
    else if (isText(part)) search.whole(latin1(octets, part.bodyStart, part.bodyEnd))
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

async function scanHeader(pieces: Pieces, search: TextSearch, start: number, end: number): Promise<void> {
  search.cut()
  for await (const octets of pieces(start, end)) {
    if (search.isDone) return
    search.push(decodeWords(unfolded(octets.toString('latin1'))))
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
