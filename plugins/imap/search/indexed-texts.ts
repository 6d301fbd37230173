import type { Candidates, SearchAnswer, SearchQuery } from 'mailserver'
import { lowerBound } from '../message-columns.ts'
import type { Session } from '../session.ts'
import type { SearchKey } from '../wire/search-keys.ts'
import { type LeafKey, leavesOf } from './evaluate.ts'
import { foldedText } from './fold.ts'

/** How many conditions of one command the index is asked for: each answer may name every message. */
const MAX_QUERIES = 20

type TextKey = LeafKey & { readonly kind: 'text' | 'body' }

/** What a search index knows of the conditions of text. */
export class IndexedTexts {
  readonly #answer: SearchAnswer
  readonly #known: ReadonlyMap<LeafKey, Candidates>

  private constructor(answer: SearchAnswer, known: ReadonlyMap<LeafKey, Candidates>) {
    this.#answer = answer
    this.#known = known
  }

  /** undefined when there is no index, or nothing to ask it. An index that fails is passed over. */
  static async ask(
    session: Pick<Session, 'services' | 'selected' | 'log'>,
    key: SearchKey,
  ): Promise<IndexedTexts | undefined> {
    const { index } = session.services
    if (index === undefined) return undefined
    const keys = leavesOf(key).filter(isText).slice(0, MAX_QUERIES)
    if (keys.length === 0) return undefined
    const { mirror } = session.selected
    const queries = keys.map((leaf): SearchQuery => ({ within: leaf.kind, needle: foldedText(leaf) }))
    try {
      const answer = await index.search(mirror.account, mirror.mailbox, queries)
      const known = new Map<LeafKey, Candidates>()
      for (const [at, candidates] of answer.candidates.entries()) {
        if (candidates !== undefined) known.set(keys[at] as LeafKey, candidates)
      }
      return new IndexedTexts(answer, known)
    } catch (err) {
      session.log.warn({ err }, 'the search index does not answer: messages are read')
      return undefined
    }
  }

  /** undefined where the message has to be read. */
  answer(key: LeafKey, uid: number): boolean | undefined {
    const known = this.#known.get(key)
    const { through, skipped } = this.#answer
    if (known === undefined || uid > through || skipped.has(uid)) return undefined
    // Each condition may name every message: sets of them would take ten times the room.
    if (known.uids[lowerBound(known.uids, known.uids.length, uid)] !== uid) return false
    return known.isExact ? true : undefined
  }
}

/** The empty text is in every message, and what is only like the text the index does not know. */
const isText = (key: LeafKey): key is TextKey =>
  (key.kind === 'text' || key.kind === 'body') && key.text !== '' && key.isFuzzy !== true
