import { fetchRequest } from '../fetch/fetch-request.ts'
import { type SortedMessages, sortOrder } from '../search/sort-messages.ts'
import type { Session } from '../session.ts'
import type { ReturnOptions } from '../wire/return-options.ts'
import type { SearchKey } from '../wire/search-keys.ts'
import type { SortCriterion } from '../wire/sort-criteria.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'
import { frozenKey } from './frozen-key.ts'
import { MailboxOrder, SortedOrder } from './result-order.ts'
import { SearchContext } from './search-context.ts'
import { SearchContexts } from './search-contexts.ts'

/** A searching command, and what it has found and told. */
export interface Followed {
  readonly key: SearchKey
  readonly options: ReturnOptions | undefined
  readonly isUid: boolean
  /** Rising, where nothing is sorted. */
  readonly positions: readonly number[]
  readonly sorted?: SortedMessages & { readonly criteria: readonly SortCriterion[] }
  /** Response code that says that not everything was searched. */
  readonly code?: string | undefined
  /** As `ContextQuery` has it; none when absent. */
  readonly source?: string
}

/**
 * To be called before the search whose results the client wants followed, which must not have the tag of another (RFC 5267
 * section 4.3). @returns the condition as it is to be followed
 * @throws SyntaxFault
 */
export function expectUpdates(session: Session, options: ReturnOptions | undefined): void {
  if (options?.update === undefined) return
  session.contexts ??= new SearchContexts(session)
  if (session.contexts.has(session.tag)) throw new SyntaxFault('Tag reuse')
}

/** To be called once the results are told: follows them from now on, or refuses that (section 4.3.1). */
export function followResults(session: Session, followed: Followed, saved: ReadonlySet<number>): void {
  const { options, code } = followed
  if (options?.update === undefined) return
  // Of a part of the mailbox nobody could say what becomes a result.
  const isFollowed = code === undefined && session.contexts?.add(contextOf(session, followed, saved)) === true
  if (!isFollowed) refuseUpdates(session)
}

/** Section 4.3.1: the rest of the command is not touched by that. */
export function refuseUpdates({ out, tag }: Session): void {
  out.untagged(`NO [NOUPDATE "${tag}"] Too many contexts`)
}

function contextOf(
  { tag, selected: view, isUidOnly }: Session,
  { key, options, isUid, positions, sorted, source = '' }: Followed,
  saved: ReadonlySet<number>,
): SearchContext {
  const items = options?.update?.items
  const query = {
    ...{ tag, isUid, source },
    key: frozenKey(key, view, saved),
    criteria: sorted?.criteria ?? [],
    request: items === undefined ? undefined : fetchRequest(items, isUid && !isUidOnly),
  }
  const uids = positions.map((position) => view.uidAt(position))
  if (sorted === undefined) return new SearchContext(query, new MailboxOrder(uids), view)
  const results = sorted.positions.map((position) => ({
    uid: view.uidAt(position),
    keys: sorted.keys.get(position) ?? [],
  }))
  return new SearchContext(query, new SortedOrder(sortOrder(sorted.criteria), results), view)
}
