import type { MessageIndex, PartIndex } from 'mailserver'
import type { Section } from '../wire/section.ts'

/** Octets of a message, from the first to one past the last. */
export interface OctetRange {
  readonly start: number
  readonly end: number
}

/**
 * Where a section lies in its message (RFC 3501 section 6.4.5). For HEADER.FIELDS that is the header the fields are chosen
 * from. @returns undefined when the message has no such section
 */
export function rangeOfSection(section: Section, index: MessageIndex): OctetRange | undefined {
  if (section.path.length === 0) return rangeIn(section.what, index)
  const part = partAt(section.path, index.root)
  if (part === undefined) return undefined
  if (section.what === 'all') return { start: part.bodyStart, end: part.bodyEnd }
  if (section.what === 'mime') return { start: part.headerStart, end: part.bodyStart }
  // HEADER and TEXT of a part are those of the message inside it.
  const inner = messageIn(part)
  if (inner === undefined) return undefined
  return section.what === 'text'
    ? { start: inner.bodyStart, end: inner.bodyEnd }
    : { start: inner.headerStart, end: inner.bodyStart }
}

function rangeIn(what: Section['what'], { root, size }: MessageIndex): OctetRange {
  if (what === 'all') return { start: 0, end: size }
  return what === 'text' ? { start: root.bodyStart, end: size } : { start: 0, end: root.bodyStart }
}

/** The part that a path of part numbers leads to. */
export function partAt(path: readonly number[], root: PartIndex): PartIndex | undefined {
  const [first, ...rest] = path
  let part = partOfMessage(root, first as number)
  for (const number of rest) {
    if (part === undefined) return undefined
    const inner = messageIn(part)
    part = inner === undefined ? childOf(part, number) : partOfMessage(inner, number)
  }
  return part
}

/** A message that is no multipart has one part: its body, number 1. */
function partOfMessage(root: PartIndex, number: number): PartIndex | undefined {
  if (root.type === 'multipart') return childOf(root, number)
  return number === 1 ? root : undefined
}

function childOf(part: PartIndex, number: number): PartIndex | undefined {
  return part.type === 'multipart' ? part.children[number - 1] : undefined
}

/** The root part of the message that a message/rfc822 part holds. */
function messageIn(part: PartIndex): PartIndex | undefined {
  return part.type === 'message' ? part.children[0] : undefined
}
