import type { Readable } from 'node:stream'
import { type BlobStore, codeOf, type MessageIndex, type MessageRecord, selectFields } from 'mailserver'
import type { SectionItem } from '../wire/fetch-items.ts'
import { type OctetRange, rangeOfSection } from './section-range.ts'

/** Sections up to this size are read whole, and ahead of their turn; larger ones are streamed. */
export const WHOLE_BYTES = 512 * 1024

/** A section that is ready to be sent. */
export type LoadedSection =
  | { readonly kind: 'missing' }
  | { readonly kind: 'octets'; readonly octets: Buffer }
  | { readonly kind: 'stream'; readonly size: number; open(): Readable }

export interface MessageToRead {
  readonly record: MessageRecord
  readonly index: MessageIndex | undefined
}

/** A message whose sections have been read, or that is gone. */
export type LoadedMessage = readonly LoadedSection[] | 'gone'

/** Octets that `load` will hold for these sections. */
export function costOf(items: readonly SectionItem[], message: MessageToRead): number {
  return items.reduce((sum, item) => {
    const range = rangeOf(item, message)
    const size = range === undefined ? 0 : range.end - range.start
    return sum + (isSelected(item) || size <= WHOLE_BYTES ? size : 0)
  }, 0)
}

/** Reads the sections of a message. @throws MailError CORRUPT, UNAVAILABLE */
export async function load(
  blobs: BlobStore,
  items: readonly SectionItem[],
  message: MessageToRead,
): Promise<LoadedMessage> {
  try {
    return await Promise.all(items.map((item) => loadSection(blobs, item, message)))
  } catch (cause) {
    // Expunged by another session, and its octets with it.
    if (codeOf(cause) === 'NOT_FOUND') return 'gone'
    throw cause
  }
}

async function loadSection(blobs: BlobStore, item: SectionItem, message: MessageToRead): Promise<LoadedSection> {
  const range = rangeOf(item, message)
  if (range === undefined) return { kind: 'missing' }
  const { blob } = message.record
  if (isSelected(item)) {
    const header = range.end > range.start ? await blobs.read(blob, range) : Buffer.alloc(0)
    const { section, partial } = item
    const fields = selectFields(header, section.fields, { not: section.what === 'fields-not' })
    const octets = partial === undefined ? fields : fields.subarray(partial.offset, partial.offset + partial.length)
    return { kind: 'octets', octets }
  }
  const size = range.end - range.start
  if (size === 0) return { kind: 'octets', octets: Buffer.alloc(0) }
  if (size <= WHOLE_BYTES) return { kind: 'octets', octets: await blobs.read(blob, range) }
  return { kind: 'stream', size, open: () => blobs.stream(blob, range) }
}

/** The octets to read: what a partial leaves out is never read. */
function rangeOf({ section, partial }: SectionItem, { record, index }: MessageToRead): OctetRange | undefined {
  const whole = index === undefined ? { start: 0, end: record.size } : rangeOfSection(section, index)
  if (whole === undefined || partial === undefined || section.fields.length > 0) return whole
  const start = Math.min(whole.start + partial.offset, whole.end)
  return { start, end: Math.min(start + partial.length, whole.end) }
}

const isSelected = ({ section }: SectionItem): boolean => section.fields.length > 0
