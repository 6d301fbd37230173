import { type BlobRange, fieldSelector, headerEnd } from 'mailserver'
import type { SectionItem } from '../wire/fetch-items.ts'
import type { FetchRequest } from './fetch-request.ts'

/** What is read of every message for its header: nearly all have no longer one, and drivers prove as much in any case. */
export const HEAD_RANGE: BlobRange = { start: 0, end: 32 * 1024 }

/** Only headers of messages are asked for, which their first octets have: what a client lists a mailbox by. */
export function isHeadersOnly({ sections, index }: FetchRequest): boolean {
  return index.length === 0 && sections.length > 0 && sections.every(isHeader)
}

function isHeader({ section: { path, what }, decoded }: SectionItem): boolean {
  return path.length === 0 && decoded === undefined && (what === 'header' || what === 'fields' || what === 'fields-not')
}

/**
 * The header section in the first octets of a message; undefined when it goes on behind them.
 * @param size octets of the message
 */
export function headerIn(octets: Buffer, size: number): Buffer | undefined {
  const end = headerEnd(octets)
  return end === octets.length && end < size ? undefined : octets.subarray(0, end)
}

/** Makes what each item shows of a header. */
export function headerSections(items: readonly SectionItem[]): readonly ((header: Buffer) => Buffer)[] {
  return items.map(({ section: { what, fields }, partial }) => {
    const select = what === 'header' ? undefined : fieldSelector(fields, { not: what === 'fields-not' })
    return (header) => {
      const shown = select === undefined ? header : select(header)
      return partial === undefined ? shown : shown.subarray(partial.offset, partial.offset + partial.length)
    }
  })
}
