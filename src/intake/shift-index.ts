import { isAscii } from 'node:buffer'
import type { MessageIndex, PartIndex } from '../mail/message-index.ts'

/** Fields that ENVELOPE and BODYSTRUCTURE are made of (RFC 3501 section 7.4.2). */
const INDEXED = new Set([
  'bcc',
  'cc',
  'date',
  'from',
  'in-reply-to',
  'message-id',
  'mime-version',
  'references',
  'reply-to',
  'sender',
  'subject',
  'to',
])

/** Can a field of this name change what an index says of a message when it is put above it? */
export function isIndexed(name: string): boolean {
  const lower = name.toLowerCase()
  return INDEXED.has(lower) || lower.startsWith('content-')
}

/**
 * The index of a message once header fields that it does not speak of were put above it.
 * @param above their octets
 */
export function shiftIndex(index: MessageIndex, above: readonly Buffer[]): MessageIndex {
  const by = above.reduce((sum, { length }) => sum + length, 0)
  return {
    ...index,
    size: index.size + by,
    root: { ...shiftPart(index.root, by), headerStart: 0 },
    ...(!above.every((field) => isAscii(field)) && { eightBitHeader: true }),
  }
}

function shiftPart(part: PartIndex, by: number): PartIndex {
  return {
    ...part,
    headerStart: part.headerStart + by,
    bodyStart: part.bodyStart + by,
    bodyEnd: part.bodyEnd + by,
    children: part.children.map((child) => shiftPart(child, by)),
  }
}
