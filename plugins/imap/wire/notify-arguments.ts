import type { Arguments } from './arguments.ts'
import { type FetchItem, parseFetchItems } from './fetch-items.ts'
import { parseMailbox } from './mailbox-name.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** Events of messages (RFC 5465 section 5). */
export type MessageEvent = 'MessageNew' | 'MessageExpunge' | 'FlagChange'
export type NotifyEvent =
  | MessageEvent
  | 'MailboxName'
  | 'SubscriptionChange'
  | 'MailboxMetadataChange'
  | 'ServerMetadataChange'

/** Which mailboxes a group of events is about (section 6). */
export type MailboxFilter =
  | { readonly kind: 'selected' | 'selected-delayed' | 'inboxes' | 'personal' | 'subscribed' }
  | { readonly kind: 'subtree' | 'mailboxes'; readonly names: readonly string[] }

export interface EventGroup {
  readonly filter: MailboxFilter
  readonly events: ReadonlySet<NotifyEvent>
  /** What is fetched of new messages in the selected mailbox. */
  readonly items?: readonly FetchItem[]
}

export interface NotifySet {
  readonly wantsStatus: boolean
  readonly groups: readonly EventGroup[]
  /** Events that we do not know: the command is refused (section 3.1). */
  readonly unknown: readonly string[]
}

const EVENTS: ReadonlyMap<string, NotifyEvent> = new Map(
  (
    [
      ...(['MessageNew', 'MessageExpunge', 'FlagChange', 'MailboxName', 'SubscriptionChange'] as const),
      ...(['MailboxMetadataChange', 'ServerMetadataChange'] as const),
    ] satisfies NotifyEvent[]
  ).map((event) => [event.toUpperCase(), event]),
)

export const SUPPORTED_EVENTS: readonly NotifyEvent[] = [...EVENTS.values()]

const MESSAGE_EVENTS: ReadonlySet<NotifyEvent> = new Set<MessageEvent>(['MessageNew', 'MessageExpunge', 'FlagChange'])
const isSelected = ({ kind }: MailboxFilter): boolean => kind === 'selected' || kind === 'selected-delayed'

const MAX_GROUPS = 50
const MAX_NAMES = 500

/** @returns undefined for NOTIFY NONE */
export function parseNotify(args: Arguments, maxItems: number): NotifySet | undefined {
  args.space()
  const verb = args.word()
  if (verb === 'NONE') {
    args.end()
    return undefined
  }
  if (verb !== 'SET') throw new SyntaxFault('SET or NONE expected')
  args.space()
  const wantsStatus = args.skipWord('STATUS ')
  const groups: EventGroup[] = []
  const unknown: string[] = []
  do groups.push(parseGroup(args, maxItems, unknown))
  while (args.skip(' '))
  args.end()
  if (groups.length > MAX_GROUPS) throw new SyntaxFault('Too many groups of events')
  if (groups.filter(({ filter }) => isSelected(filter)).length > 1) {
    throw new SyntaxFault('The selected mailbox stands twice')
  }
  return { wantsStatus, groups, unknown }
}

function parseGroup(args: Arguments, maxItems: number, unknown: string[]): EventGroup {
  args.expect('(')
  const filter = parseFilter(args)
  args.space()
  if (args.next !== '(') {
    if (args.word() !== 'NONE') throw new SyntaxFault('Events expected')
    args.expect(')')
    return { filter, events: new Set() }
  }
  const events = new Set<NotifyEvent>()
  let items: readonly FetchItem[] | undefined
  args.list(() => {
    const name = args.word()
    const event = args.knows(`NOTIFY ${name}`) ? EVENTS.get(name) : undefined
    if (event === undefined) unknown.push(name)
    else events.add(event)
    if (event === 'MessageNew' && args.looksLike(ITEMS)) {
      args.space()
      items = parseFetchItems(args, maxItems)
    }
  })
  args.expect(')')
  check(filter, events, items !== undefined, unknown.length > 0)
  return { filter, events, ...(items && { items }) }
}

const ITEMS = / \(/y
const FILTERS: ReadonlyMap<string, MailboxFilter['kind']> = new Map(
  (['selected', 'selected-delayed', 'inboxes', 'personal', 'subscribed', 'subtree', 'mailboxes'] as const).map(
    (kind) => [kind.toUpperCase(), kind],
  ),
)

function parseFilter(args: Arguments): MailboxFilter {
  const kind = FILTERS.get(args.word())
  if (kind === undefined) throw new SyntaxFault('No such mailbox specifier')
  if (kind !== 'subtree' && kind !== 'mailboxes') return { kind }
  args.space()
  const names = args.next === '(' ? args.list(() => parseMailbox(args)) : [parseMailbox(args)]
  if (names.length === 0) throw new SyntaxFault('Mailbox expected')
  if (names.length > MAX_NAMES) throw new SyntaxFault('Too many mailboxes')
  return { kind, names }
}

/** Sections 5, 6.1 and 8: which events may stand together, and where. */
function check(filter: MailboxFilter, events: ReadonlySet<NotifyEvent>, hasItems: boolean, hasUnknown: boolean): void {
  if (events.size === 0 && !hasUnknown) throw new SyntaxFault('Event expected')
  if (events.has('MessageNew') !== events.has('MessageExpunge')) {
    throw new SyntaxFault('MessageNew and MessageExpunge go together')
  }
  if (events.has('FlagChange') && !events.has('MessageNew')) throw new SyntaxFault('FlagChange needs MessageNew')
  if (isSelected(filter)) {
    for (const event of events) {
      if (!MESSAGE_EVENTS.has(event)) throw new SyntaxFault('Only events of messages for the selected mailbox')
    }
  } else if (hasItems) throw new SyntaxFault('Items are for the selected mailbox')
}
