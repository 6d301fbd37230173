import type { Readable } from 'node:stream'
import { type BlobStore, codeOf, type MessageIndex, type MessageRecord, selectFields } from 'mailserver'
import type { SectionItem } from '../wire/fetch-items.ts'
import { DecodedPart } from './decoded-part.ts'
import { type OctetRange, partAt, rangeOfSection } from './section-range.ts'

/** Sections up to this size are read whole, ahead of their turn; larger ones are streamed. */
export const WHOLE_BYTES = 512 * 1024
/** Octets of one message that are read ahead, however many sections of it are asked for. */
const MESSAGE_BYTES = 1024 * 1024
/** Fields are chosen from so much of a header. */
const MAX_HEADER_BYTES = 4 * 1024 * 1024

/** A section that is ready to be sent, or is read when its turn comes. */
export type LoadedSection =
  | { readonly kind: 'missing' }
  | { readonly kind: 'octets'; readonly octets: Buffer }
  | { readonly kind: 'later'; read(): Promise<Buffer> }
  | { readonly kind: 'stream'; readonly size: number; open(): Readable }
  | { readonly kind: 'decoded'; readonly part: DecodedPart }

export interface MessageToRead {
  readonly record: MessageRecord
  readonly index: MessageIndex | undefined
}

/** A message whose sections have been read, or that is gone. */
export type LoadedMessage = readonly LoadedSection[] | 'gone' | 'damaged'

/** A section of a message by the octets it takes to make it. */
interface PlannedSection {
  readonly item: SectionItem
  /** Content transfer encoding, for what is to be decoded. */
  readonly encoding: string
  readonly range: OctetRange | undefined
  readonly isAhead: boolean
}

/** How the sections of one message are read. */
export interface ReadingPlan {
  readonly record: MessageRecord
  readonly sections: readonly PlannedSection[]
  /** Octets that `load` will hold. */
  readonly cost: number
}

export function planReading(items: readonly SectionItem[], message: MessageToRead): ReadingPlan {
  let cost = 0
  const sections = items.map((item): PlannedSection => {
    const range = rangeOf(item, message)
    const size = range === undefined ? 0 : range.end - range.start
    const isAhead = item.decoded === undefined && size <= WHOLE_BYTES && cost + size <= MESSAGE_BYTES
    if (isAhead) cost += size
    return { item, range, isAhead, encoding: encodingOf(item, message) }
  })
  return { record: message.record, sections, cost }
}

/** Reads what the plan has read ahead. @throws MailError UNAVAILABLE */
export async function load(blobs: BlobStore, { record, sections }: ReadingPlan): Promise<LoadedMessage> {
  try {
    return await Promise.all(sections.map((section) => loadSection(blobs, section, record)))
  } catch (cause) {
    // Expunged by another session, and its octets with it.
    if (codeOf(cause) === 'NOT_FOUND') return 'gone'
    if (codeOf(cause) === 'CORRUPT') return 'damaged'
    throw cause
  }
}

async function loadSection(blobs: BlobStore, planned: PlannedSection, record: MessageRecord): Promise<LoadedSection> {
  const { item, range, isAhead, encoding } = planned
  if (range === undefined) return { kind: 'missing' }
  if (item.decoded !== undefined) return { kind: 'decoded', part: new DecodedPart(blobs, record.blob, range, encoding) }
  const isSelected = item.section.fields.length > 0
  const read = async () => {
    const octets = range.end > range.start ? await blobs.read(record.blob, range) : Buffer.alloc(0)
    return isSelected ? fieldsOf(item, octets) : octets
  }
  if (isAhead) return { kind: 'octets', octets: await read() }
  if (isSelected) return { kind: 'later', read }
  return { kind: 'stream', size: range.end - range.start, open: () => blobs.stream(record.blob, range) }
}

function encodingOf({ section: { path } }: SectionItem, { index }: MessageToRead): string {
  const part = path.length === 0 || index === undefined ? undefined : partAt(path, index.root)
  return part?.encoding ?? 'binary'
}

function fieldsOf({ section, partial }: SectionItem, header: Buffer): Buffer {
  const fields = selectFields(header, section.fields, { not: section.what === 'fields-not' })
  return partial === undefined ? fields : fields.subarray(partial.offset, partial.offset + partial.length)
}

/** The octets to read: what a partial leaves out is never read. */
function rangeOf({ section, partial, decoded }: SectionItem, { record, index }: MessageToRead): OctetRange | undefined {
  const whole = index === undefined ? { start: 0, end: record.size } : rangeOfSection(section, index)
  if (whole === undefined) return undefined
  const { start, end } = whole
  if (section.fields.length > 0) return { start, end: Math.min(end, start + MAX_HEADER_BYTES) }
  // Of what is decoded, the partial counts decoded octets.
  if (partial === undefined || decoded !== undefined) return whole
  const from = Math.min(start + partial.offset, end)
  return { start: from, end: Math.min(from + partial.length, end) }
}
