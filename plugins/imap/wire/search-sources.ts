import type { Arguments } from './arguments.ts'
import { parseMailbox } from './mailbox-name.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** Mailboxes to search (RFC 7377 section 2.2; RFC 5465 section 6): `selected-delayed` is none of them. */
export type SearchSource =
  | { readonly kind: 'selected' | 'inboxes' | 'personal' | 'subscribed' }
  | { readonly kind: 'subtree' | 'subtree-one' | 'mailboxes'; readonly names: readonly string[] }

const BARE: ReadonlyMap<string, SearchSource> = new Map<string, SearchSource>([
  ['SELECTED', { kind: 'selected' }],
  ['INBOXES', { kind: 'inboxes' }],
  ['PERSONAL', { kind: 'personal' }],
  ['SUBSCRIBED', { kind: 'subscribed' }],
])
const NAMED: ReadonlyMap<string, 'subtree' | 'subtree-one' | 'mailboxes'> = new Map(
  (['subtree', 'subtree-one', 'mailboxes'] as const).map((kind) => [kind.toUpperCase(), kind]),
)

const MAX_SOURCES = 50
const MAX_NAMES = 500

/** `IN (…) `; the selected mailbox when it is not there. No scope options are defined: any is refused. */
export function parseSearchSources(args: Arguments): readonly SearchSource[] {
  if (!args.skipWord('IN ')) return [{ kind: 'selected' }]
  const sources = args.list(() => parseSource(args))
  if (sources.length === 0) throw new SyntaxFault('Mailbox specifier expected')
  if (sources.length > MAX_SOURCES) throw new SyntaxFault('Too many mailbox specifiers')
  args.space()
  return sources
}

function parseSource(args: Arguments): SearchSource {
  const word = args.word()
  const bare = BARE.get(word)
  if (bare !== undefined) return bare
  const kind = NAMED.get(word)
  if (kind === undefined) throw new SyntaxFault('No such mailbox specifier')
  args.space()
  const names = args.next === '(' ? args.list(() => parseMailbox(args)) : [parseMailbox(args)]
  if (names.length === 0) throw new SyntaxFault('Mailbox expected')
  if (names.length > MAX_NAMES) throw new SyntaxFault('Too many mailboxes')
  return { kind, names }
}
