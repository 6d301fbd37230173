import type { MailboxView } from '../mailbox-view.ts'
import { flagsText } from '../updates.ts'
import { formatDateTime } from '../wire/date-time.ts'
import type { PlainItem } from '../wire/fetch-items.ts'

/** Items that the view knows without asking the store. */
export type StateItem = Extract<PlainItem, 'UID' | 'FLAGS' | 'INTERNALDATE' | 'RFC822.SIZE' | 'MODSEQ'>

type Format = (view: MailboxView, position: number, row: number) => string

const FORMATS: Readonly<Record<StateItem, Format>> = {
  UID: (view, position) => `UID ${view.uidAt(position)}`,
  FLAGS: (view, position, row) => `FLAGS ${flagsText(view, position, row)}`,
  INTERNALDATE: (view, _position, row) => `INTERNALDATE ${formatDateTime(view.mirror.columns.dateAt(row))}`,
  'RFC822.SIZE': (view, _position, row) => `RFC822.SIZE ${view.mirror.columns.sizeAt(row)}`,
  MODSEQ: (view, _position, row) => `MODSEQ (${view.mirror.columns.modSeqAt(row)})`,
}

/** The items of one message with a space between, made by one function for a whole FETCH. */
export function stateFormatter(items: readonly StateItem[]): Format {
  const [first, ...more] = items.map((item) => FORMATS[item])
  if (first === undefined) return () => ''
  if (more.length === 0) return first
  return (view, position, row) => {
    let text = first(view, position, row)
    for (const format of more) text += ` ${format(view, position, row)}`
    return text
  }
}
