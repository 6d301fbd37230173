import { type BlobRange, FieldSelector, headerEnd } from 'mailserver'
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

/**
 * What an item shows of a message's header, given its first octets and its size; undefined when the header goes on behind
 * them. It may share memory with them.
 */
export type ShowHeader = (octets: Buffer, size: number) => Buffer | undefined

export function headerSections(items: readonly SectionItem[]): readonly ShowHeader[] {
  return items.map(({ section: { what, fields }, partial }) => {
    const show = what === 'header' ? headerIn : showFields(new FieldSelector(fields, { not: what === 'fields-not' }))
    if (partial === undefined) return show
    return (octets, size) => show(octets, size)?.subarray(partial.offset, partial.offset + partial.length)
  })
}

/** One pass finds the fields and the header's end. */
function showFields(selector: FieldSelector): ShowHeader {
  return (octets, size) => {
    const chosen = selector.select(octets)
    return selector.hasEnd || octets.length >= size ? chosen : undefined
  }
}
