import { MailError } from '../../errors/mail-error.ts'
import type { MessageIndex, PartIndex } from '../../mail/message-index.ts'
import { ByteReader, ByteWriter } from './bytes.ts'

/**
 * MessageIndex as bytes. The texts that IMAP sends as they are come out as views of the stored bytes; the part tree,
 * which few commands need, stays encoded until it is asked for.
 */
const VERSION = 1

const HAS_SUBJECT = 1
const HAS_MESSAGE_ID = 2
const HAS_SENT_AT = 4
const HAS_CRLF_EXTRA = 8
const HAS_IN_REPLY_TO = 16
const HAS_REFERENCES = 32
const HAS_PREVIEW = 64
const HAS_EIGHT_BIT = 128

const EIGHT_BIT_HEADER = 1
const EIGHT_BIT_BODY = 2

/** Words that nearly every message consists of, as one octet; anything else is 0 and its text. Only ever add at the end. */
const WORDS = [
  'text',
  'multipart',
  'message',
  'application',
  'image',
  'audio',
  'video',
  'plain',
  'html',
  'mixed',
  'alternative',
  'related',
  'signed',
  'report',
  'rfc822',
  'delivery-status',
  'octet-stream',
  'pdf',
  'jpeg',
  'png',
  'gif',
  'calendar',
  '7bit',
  '8bit',
  'binary',
  'quoted-printable',
  'base64',
  'us-ascii',
  'utf-8',
  'iso-8859-1',
  'windows-1252',
] as const
const CODE_OF: ReadonlyMap<string, number> = new Map(WORDS.map((word, at) => [word, at + 1]))

export function encodeIndex(index: MessageIndex): Buffer {
  const { crlfExtra, envelope, bodyStructure, body, subject, messageId, inReplyTo, references, sentAt, preview } = index
  const eightBit = (index.eightBitHeader ? EIGHT_BIT_HEADER : 0) | (index.eightBitBody ? EIGHT_BIT_BODY : 0)
  const writer = new ByteWriter(256 + envelope.length + bodyStructure.length + body.length)
  writer.byte(VERSION)
  writer.byte(
    (subject === undefined ? 0 : HAS_SUBJECT) |
      (messageId === undefined ? 0 : HAS_MESSAGE_ID) |
      (sentAt === undefined ? 0 : HAS_SENT_AT) |
      (crlfExtra === undefined ? 0 : HAS_CRLF_EXTRA) |
      (inReplyTo === undefined ? 0 : HAS_IN_REPLY_TO) |
      (references === undefined ? 0 : HAS_REFERENCES) |
      (preview === undefined ? 0 : HAS_PREVIEW) |
      (eightBit === 0 ? 0 : HAS_EIGHT_BIT),
  )
  writer.varint(index.size)
  if (crlfExtra !== undefined) writer.varint(crlfExtra)
  writer.bytes(envelope)
  writer.bytes(bodyStructure)
  writer.bytes(body)
  if (subject !== undefined) writer.text(subject)
  if (messageId !== undefined) writer.text(messageId)
  if (sentAt !== undefined) writer.double(sentAt)
  if (inReplyTo !== undefined) writeTexts(writer, inReplyTo)
  if (references !== undefined) writeTexts(writer, references)
  if (preview !== undefined) writer.text(preview)
  if (eightBit !== 0) writer.byte(eightBit)
  writePart(writer, index.root)
  return writer.end()
}

/**
 * Reads only as far as it is asked: a listing of a mailbox takes one text of a hundred thousand indexes. Its fields are
 * getters, which a spread leaves out.
 */
export function decodeIndex(bytes: Buffer): MessageIndex {
  return new StoredIndex(bytes)
}

/** What stands behind the texts that IMAP sends. */
interface Tail {
  readonly subject: string | undefined
  readonly messageId: string | undefined
  readonly sentAt: number | undefined
  readonly moreAt: number
}

/** What stands behind those: few commands want it. */
interface More {
  readonly inReplyTo: readonly string[] | undefined
  readonly references: readonly string[] | undefined
  readonly preview: string | undefined
  readonly eightBit: number
  readonly partsAt: number
}

class StoredIndex implements MessageIndex {
  readonly size: number
  declare readonly crlfExtra?: number
  readonly #bytes: Buffer
  readonly #has: number
  /** Where the texts begin and end. Numbers, not objects: there are as many of these as messages. */
  readonly #envelopeAt: number
  readonly #envelopeEnd: number
  readonly #structureAt: number
  readonly #structureEnd: number
  readonly #bodyAt: number
  readonly #bodyEnd: number
  #tail: Tail | undefined
  #more: More | undefined
  #root: PartIndex | undefined

  /** @throws MailError CORRUPT */
  constructor(bytes: Buffer) {
    const reader = new ByteReader(bytes)
    const version = reader.byte()
    if (version !== VERSION) throw new MailError('CORRUPT', `a message index has the unknown version ${version}`)
    this.#bytes = bytes
    this.#has = reader.byte()
    this.size = reader.varint()
    if (this.#has & HAS_CRLF_EXTRA) this.crlfExtra = reader.varint()
    this.#envelopeAt = reader.skipBytes()
    this.#envelopeEnd = reader.position
    this.#structureAt = reader.skipBytes()
    this.#structureEnd = reader.position
    this.#bodyAt = reader.skipBytes()
    this.#bodyEnd = reader.position
  }

  get envelope(): Buffer {
    return this.#bytes.subarray(this.#envelopeAt, this.#envelopeEnd)
  }
  get bodyStructure(): Buffer {
    return this.#bytes.subarray(this.#structureAt, this.#structureEnd)
  }
  get body(): Buffer {
    return this.#bytes.subarray(this.#bodyAt, this.#bodyEnd)
  }
  get subject(): string | undefined {
    return this.#texts.subject
  }
  get messageId(): string | undefined {
    return this.#texts.messageId
  }
  get sentAt(): number | undefined {
    return this.#texts.sentAt
  }
  get inReplyTo(): readonly string[] | undefined {
    return this.#others.inReplyTo
  }
  get references(): readonly string[] | undefined {
    return this.#others.references
  }
  get preview(): string | undefined {
    return this.#others.preview
  }
  get eightBitHeader(): true | undefined {
    return this.#others.eightBit & EIGHT_BIT_HEADER ? true : undefined
  }
  get eightBitBody(): true | undefined {
    return this.#others.eightBit & EIGHT_BIT_BODY ? true : undefined
  }
  get root(): PartIndex {
    this.#root ??= readPart(new ByteReader(this.#bytes, this.#others.partsAt))
    return this.#root
  }

  get #texts(): Tail {
    this.#tail ??= readTail(new ByteReader(this.#bytes, this.#bodyEnd), this.#has)
    return this.#tail
  }

  get #others(): More {
    this.#more ??= readMore(new ByteReader(this.#bytes, this.#texts.moreAt), this.#has)
    return this.#more
  }
}

function readTail(reader: ByteReader, has: number): Tail {
  const subject = has & HAS_SUBJECT ? reader.text() : undefined
  const messageId = has & HAS_MESSAGE_ID ? reader.text() : undefined
  const sentAt = has & HAS_SENT_AT ? reader.double() : undefined
  return { subject, messageId, sentAt, moreAt: reader.position }
}

function readMore(reader: ByteReader, has: number): More {
  const inReplyTo = has & HAS_IN_REPLY_TO ? readTexts(reader) : undefined
  const references = has & HAS_REFERENCES ? readTexts(reader) : undefined
  const preview = has & HAS_PREVIEW ? reader.text() : undefined
  const eightBit = has & HAS_EIGHT_BIT ? reader.byte() : 0
  return { inReplyTo, references, preview, eightBit, partsAt: reader.position }
}

function writeTexts(writer: ByteWriter, texts: readonly string[]): void {
  writer.varint(texts.length)
  for (const text of texts) writer.text(text)
}

function readTexts(reader: ByteReader): string[] {
  const texts: string[] = []
  for (let left = reader.varint(); left > 0; left--) texts.push(reader.text())
  return texts
}

function writePart(writer: ByteWriter, part: PartIndex): void {
  writeWord(writer, part.type)
  writeWord(writer, part.subtype)
  writer.varint(part.headerStart)
  writer.varint(part.bodyStart)
  writer.varint(part.bodyEnd)
  writer.varint(part.lines)
  writeWord(writer, part.encoding)
  writer.byte(part.charset === undefined ? 0 : 1)
  if (part.charset !== undefined) writeWord(writer, part.charset)
  writer.varint(part.children.length)
  for (const child of part.children) writePart(writer, child)
}

function readPart(reader: ByteReader): PartIndex {
  const part = {
    type: readWord(reader),
    subtype: readWord(reader),
    headerStart: reader.varint(),
    bodyStart: reader.varint(),
    bodyEnd: reader.varint(),
    lines: reader.varint(),
    encoding: readWord(reader),
    ...(reader.byte() === 1 && { charset: readWord(reader) }),
  }
  const children: PartIndex[] = []
  for (let left = reader.varint(); left > 0; left--) children.push(readPart(reader))
  return { ...part, children }
}

function writeWord(writer: ByteWriter, word: string): void {
  const code = CODE_OF.get(word) ?? 0
  writer.byte(code)
  if (code === 0) writer.text(word)
}

function readWord(reader: ByteReader): string {
  const code = reader.byte()
  return code === 0 ? reader.text() : (WORDS[code - 1] ?? unknownWord())
}

function unknownWord(): never {
  throw new MailError('CORRUPT', 'a message index uses an unknown word')
}
