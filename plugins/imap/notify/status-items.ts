import type { NotifyEvent } from '../wire/notify-arguments.ts'

/** What STATUS says of a mailbox in which this has happened (RFC 5465 sections 5.1 to 5.3). */
export function itemsOfEvents(events: readonly NotifyEvent[], isCondstore: boolean): ReadonlySet<string> {
  const items = new Set<string>()
  if (events.includes('FlagChange')) {
    for (const item of ['UIDVALIDITY', 'UNSEEN']) items.add(item)
    if (isCondstore) items.add('HIGHESTMODSEQ')
  }
  if (events.includes('MessageNew') || events.includes('MessageExpunge')) {
    for (const item of ['UIDNEXT', 'MESSAGES']) items.add(item)
    if (isCondstore) items.add('HIGHESTMODSEQ')
  }
  return items
}

/** What it says of one that begins to be followed (section 3.1). */
export function itemsAtFirst(events: ReadonlySet<NotifyEvent>, knowsCondstore: boolean): ReadonlySet<string> {
  const items = new Set<string>()
  if (events.has('MessageNew')) for (const item of ['MESSAGES', 'UIDNEXT', 'UIDVALIDITY']) items.add(item)
  if (events.has('FlagChange') && knowsCondstore) items.add('HIGHESTMODSEQ')
  return items
}
