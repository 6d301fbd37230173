import type { MessageRecord } from 'mailserver'
import { formatDateTime } from '../wire/date-time.ts'
import type { PlainItem } from '../wire/fetch-items.ts'

/** Items that stand in the record of a message (RFC 8474 section 5.1; RFC 8514 section 4.2). */
export type RecordItem = Extract<PlainItem, 'EMAILID' | 'SAVEDATE'>

const FORMATS: Readonly<Record<RecordItem, (record: MessageRecord) => string>> = {
  EMAILID: ({ emailId }) => `EMAILID (${emailId})`,
  SAVEDATE: ({ savedAt }) => `SAVEDATE ${formatDateTime(savedAt)}`,
}

export const RECORD_ITEMS: ReadonlySet<PlainItem> = new Set(Object.keys(FORMATS) as RecordItem[])

/** The items with a space between. */
export function formatRecord(items: readonly RecordItem[], record: MessageRecord): string {
  return items.map((item) => FORMATS[item](record)).join(' ')
}
