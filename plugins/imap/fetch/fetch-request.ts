import type { FetchItem, PlainItem, SectionItem } from '../wire/fetch-items.ts'
import type { StateItem } from './plain-items.ts'
import { RECORD_ITEMS, type RecordItem } from './record-items.ts'

export type IndexItem = Extract<PlainItem, 'ENVELOPE' | 'BODY' | 'BODYSTRUCTURE' | 'PREVIEW' | 'THREADID'>

/** A FETCH sorted by what its items cost. */
export interface FetchRequest {
  /** Known to the view. */
  readonly state: readonly StateItem[]
  /** In the message's record. */
  readonly record: readonly RecordItem[]
  /** Ready text in the store. */
  readonly index: readonly IndexItem[]
  /** Octets of the message. */
  readonly sections: readonly SectionItem[]
  /** The offsets of parts are needed for the sections. */
  readonly needsIndex: boolean
  /** `\Seen` is set (RFC 3501 section 6.4.5). */
  readonly setsSeen: boolean
}

const INDEX_ITEMS: ReadonlySet<PlainItem> = new Set<PlainItem>([
  'ENVELOPE',
  'BODY',
  'BODYSTRUCTURE',
  'PREVIEW',
  'THREADID',
])

/** @param isUid UID FETCH: the UID is shown whether or not it was asked for (RFC 3501 section 6.4.8) */
export function fetchRequest(items: readonly FetchItem[], isUid: boolean): FetchRequest {
  const plain = items.filter((item) => typeof item === 'string')
  const sections = items.filter((item) => typeof item !== 'string')
  const index = plain.filter((item) => INDEX_ITEMS.has(item)) as IndexItem[]
  const record = plain.filter((item) => RECORD_ITEMS.has(item)) as RecordItem[]
  const state = plain.filter((item) => !INDEX_ITEMS.has(item) && !RECORD_ITEMS.has(item)) as StateItem[]
  if (isUid && !state.includes('UID')) state.unshift('UID')
  return {
    state,
    record,
    index,
    sections,
    needsIndex: index.length > 0 || sections.some(({ section }) => section.what !== 'all' || section.path.length > 0),
    setsSeen: sections.some(({ isPeek }) => !isPeek),
  }
}
