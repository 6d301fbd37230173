import { isFatal } from '../fatal.ts'
import { DamagedMessages } from '../fetch/damaged-messages.ts'
import { fetchMessages } from '../fetch/fetch-messages.ts'
import type { MailboxView } from '../mailbox-view.ts'
import type { Session } from '../session.ts'
import { formatSequenceSet } from '../wire/sequence-set.ts'
import type { ResultUpdate } from './result-order.ts'
import type { ContextChange, SearchContext } from './search-context.ts'

/** RFC 5267 section 6: what one session may have followed. Sorted results cost more. */
const MAX_CONTEXTS = 10
const MAX_SORTED = 4
/** Of all results together, about. */
const MAX_BYTES = 32 * 1024 * 1024

/**
 * The searches of one selected mailbox whose results are followed (RFC 5267 section 4.3). It hears of every change, the
 * session's own as well, and tells where the client is told of the change itself.
 */
export class SearchContexts {
  readonly #session: Session
  readonly #view: MailboxView
  readonly #contexts = new Map<string, SearchContext>()
  readonly #stopListening: () => void
  #changed = new Set<number>()
  #expunged = new Set<number>()

  /** Listens from now on: nothing that happens while a first search runs is missed. */
  constructor(session: Session) {
    this.#session = session
    this.#view = session.selected
    this.#stopListening = this.#view.mirror.listen(this, ({ flags, expunged }) => {
      for (const uid of flags) this.#changed.add(uid)
      for (const uid of expunged) this.#expunged.add(uid)
    })
  }

  close(): void {
    this.#stopListening()
    this.#contexts.clear()
  }

  has(tag: string): boolean {
    return this.#contexts.has(tag)
  }

  /** Follows one more, if there is room. */
  add(context: SearchContext): boolean {
    const isSorted = ({ query }: SearchContext) => query.criteria.length > 0
    const sorted = [...this.#contexts.values()].filter(isSorted).length
    const hasRoom = this.#contexts.size < MAX_CONTEXTS && (sorted < MAX_SORTED || !isSorted(context))
    if (!hasRoom || this.#bytes + context.order.bytes > MAX_BYTES) return false
    this.#contexts.set(context.query.tag, context)
    return true
  }

  /** @returns false when there is none of this tag */
  cancel(tag: string): boolean {
    return this.#contexts.delete(tag)
  }

  /** Tells of results that are expunged; to be called before the client is told of that. */
  tellGone(): void {
    if (this.#session.isUidOnly) {
      // RFC 9586 section 3: no numbers any more.
      for (const { query } of this.#contexts.values()) if (!query.isUid) this.#refuse(query.tag)
    }
    if (this.#expunged.size === 0) return
    const expunged = this.#expunged
    this.#expunged = new Set()
    for (const context of this.#contexts.values()) {
      this.#tell(context, { removed: context.order.remove(expunged), added: [] })
    }
  }

  /** Tells of what has become a result, or is none any more; to be called once the client knows of new messages. */
  async tellChanged(): Promise<void> {
    const changed = this.#changed
    this.#changed = new Set()
    const { services, signal, clock, log, out } = this.#session
    const scope = { services, signal, clock, log, saved: NONE, selected: this.#view }
    for (const context of this.#contexts.values()) {
      try {
        const change = await context.update(scope, changed)
        if (change !== undefined) await this.#tellWithItems(context, change)
      } catch (cause) {
        if (isFatal(cause) || signal.aborted) throw cause
        log.error({ err: cause }, 'the results of a search can be followed no longer')
        this.#refuse(context.query.tag)
      }
      if (this.#bytes > MAX_BYTES) this.#refuse(context.query.tag)
      if (out.isFull) await out.room()
    }
    if (this.#contexts.size === 0) this.#session.endContexts()
  }

  get #bytes(): number {
    return [...this.#contexts.values()].reduce((sum, { order }) => sum + order.bytes, 0)
  }

  async #tellWithItems(context: SearchContext, change: ContextChange): Promise<void> {
    const { request } = context.query
    if (request !== undefined && change.fresh.length > 0) {
      try {
        await fetchMessages(this.#session, Uint32Array.from(change.fresh), request)
      } catch (cause) {
        // The others were sent, and that one is a result all the same.
        if (!(cause instanceof DamagedMessages)) throw cause
      }
    }
    this.#tell(context, change)
  }

  /** Section 4.3.2: what is to be done first stands first. */
  #tell({ query }: SearchContext, { removed, added }: Omit<ContextChange, 'fresh'>): void {
    if (removed.length === 0 && added.length === 0) return
    const { tag, source, isUid } = query
    const changes = [
      ...(removed.length === 0 ? [] : [`REMOVEFROM (${this.#text(removed, isUid)})`]),
      ...(added.length === 0 ? [] : [`ADDTO (${this.#text(added, isUid)})`]),
    ]
    this.#session.out.untagged(`ESEARCH (TAG "${tag}"${source})${isUid ? ' UID' : ''} ${changes.join(' ')}`)
  }

  #text(updates: readonly ResultUpdate[], isUid: boolean): string {
    const numbers = (uids: readonly number[]) =>
      formatSequenceSet(isUid ? uids : uids.map((uid) => this.#view.positionOf(uid) + 1))
    return updates.map(({ position, uids }) => `${position} ${numbers(uids)}`).join(' ')
  }

  /** Section 4.3.1: the client learns that it is told no more. */
  #refuse(tag: string): void {
    this.#contexts.delete(tag)
    this.#session.out.untagged(`NO [NOUPDATE "${tag}"] No further updates`)
  }
}

const NONE: ReadonlySet<number> = new Set()
