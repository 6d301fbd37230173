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
  const { crlfExtra, envelope, bodyStructure, body, subject, messageId, sentAt } = index
  const writer = new ByteWriter(256 + envelope.length + bodyStructure.length + body.length)
  writer.byte(VERSION)
  writer.byte(
    (subject === undefined ? 0 : HAS_SUBJECT) |
      (messageId === undefined ? 0 : HAS_MESSAGE_ID) |
      (sentAt === undefined ? 0 : HAS_SENT_AT) |
      (crlfExtra === undefined ? 0 : HAS_CRLF_EXTRA),
  )
  writer.varint(index.size)
  if (crlfExtra !== undefined) writer.varint(crlfExtra)
  writer.bytes(envelope)
  writer.bytes(bodyStructure)
  writer.bytes(body)
  if (subject !== undefined) writer.text(subject)
  if (messageId !== undefined) writer.text(messageId)
  if (sentAt !== undefined) writer.double(sentAt)
  writePart(writer, index.root)
  return writer.end()
}

export function decodeIndex(bytes: Buffer): MessageIndex {
  const reader = new ByteReader(bytes)
  const version = reader.byte()
  if (version !== VERSION) throw new MailError('CORRUPT', `a message index has the unknown version ${version}`)
  const has = reader.byte()
  let root: PartIndex | undefined
  return {
    size: reader.varint(),
    ...(has & HAS_CRLF_EXTRA && { crlfExtra: reader.varint() }),
    envelope: reader.bytes(),
    bodyStructure: reader.bytes(),
    body: reader.bytes(),
    ...(has & HAS_SUBJECT && { subject: reader.text() }),
    ...(has & HAS_MESSAGE_ID && { messageId: reader.text() }),
    ...(has & HAS_SENT_AT && { sentAt: reader.double() }),
    get root() {
      root ??= readPart(reader)
      return root
    },
  }
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
