import type { FetchRequest } from '../fetch/fetch-request.ts'
import type { MailboxView } from '../mailbox-view.ts'
import { leavesOf } from '../search/evaluate.ts'
import { Relevancies } from '../search/relevancy.ts'
import { searchMailbox } from '../search/search-mailbox.ts'
import type { SearchScope } from '../search/search-scope.ts'
import { readSortKeys } from '../search/sort-messages.ts'
import type { SearchKey } from '../wire/search-keys.ts'
import type { SortCriterion } from '../wire/sort-criteria.ts'
import type { NewResult, ResultOrder, ResultUpdate } from './result-order.ts'

/** A search whose results are followed (RFC 5267 section 4.3). */
export interface ContextQuery {
  /** Of the command that asked for updates: every update names it. */
  readonly tag: string
  readonly isUid: boolean
  /** MAILBOX and UIDVALIDITY beside the tag, with a space in front, where ESEARCH asked (RFC 7377 section 2.1). */
  readonly source: string
  /** As it was meant when it came. */
  readonly key: SearchKey
  /** None: the order is that of the mailbox. */
  readonly criteria: readonly SortCriterion[]
  /** Fetched of each new message that becomes a result (RFC 5465 section 7). */
  readonly request: FetchRequest | undefined
}

/** What has changed since it was last looked at. */
export interface ContextChange {
  readonly removed: readonly ResultUpdate[]
  readonly added: readonly ResultUpdate[]
  /** Positions of messages that are new in the mailbox, and results. */
  readonly fresh: readonly number[]
}

/** Conditions that changed flags, and what else comes with them, may meet or not meet any more. */
const CHANGING: ReadonlySet<string> = new Set(['flag', 'modseq', 'younger', 'older'])

export class SearchContext {
  readonly query: ContextQuery
  readonly order: ResultOrder
  readonly #isChanging: boolean
  readonly #isRanked: boolean
  /** Messages above this UID are new. */
  #lastUid: number

  /** @param view as it was searched */
  constructor(query: ContextQuery, order: ResultOrder, view: MailboxView) {
    this.query = query
    this.order = order
    this.#isChanging = leavesOf(query.key).some(({ kind }) => CHANGING.has(kind))
    this.#isRanked = query.criteria.some(({ key }) => key === 'RELEVANCY')
    this.#lastUid = lastUidOf(view)
  }

  /** Looks at what is new, and at what has changed, and takes it over. @param changed UIDs */
  async update(scope: SearchScope, changed: ReadonlySet<number>): Promise<ContextChange | undefined> {
    const view = scope.selected
    const before = this.#lastUid
    const within = this.#toLookAt(view, changed)
    this.#lastUid = Math.max(before, lastUidOf(view))
    if (within.length === 0) return undefined
    const { key, criteria } = this.query
    const relevancies = this.#isRanked ? new Relevancies(key) : undefined
    const matching = await searchMailbox(scope, key, { within, relevancies })
    const coming = matching.filter((position) => !this.order.has(view.uidAt(position)))
    const keys = await readSortKeys(scope, coming, criteria, { scores: relevancies?.byPosition })
    const staying = new Set(matching.map((position) => view.uidAt(position)))
    const leaving = within.map((position) => view.uidAt(position)).filter((uid) => !staying.has(uid))
    const removed = this.order.remove(new Set(leaving))
    // One without keys is gone by now.
    const added = [...keys].map(([position, one]): NewResult => ({ uid: view.uidAt(position), keys: one }))
    return {
      removed,
      added: this.order.add(added),
      fresh: [...keys.keys()].filter((position) => view.uidAt(position) > before),
    }
  }

  /** Rising positions. */
  #toLookAt(view: MailboxView, changed: ReadonlySet<number>): readonly number[] {
    const positions: number[] = []
    if (this.#isChanging) {
      for (const uid of changed) {
        const position = uid > this.#lastUid ? -1 : view.positionOf(uid)
        if (position !== -1) positions.push(position)
      }
      positions.sort((a, b) => a - b)
    }
    const known = view.countBetween(1, this.#lastUid)
    for (let position = known; position < view.count; position++) positions.push(position)
    return positions
  }
}

const lastUidOf = (view: MailboxView): number => (view.count === 0 ? 0 : view.uidAt(view.count - 1))
