import type { TextSink } from 'mailserver'
import type { LeafKey } from '../evaluate.ts'
import type { FuzzyScores } from '../relevancy.ts'
import { fuzzyPattern } from './fuzzy-pattern.ts'
import { FuzzySearch } from './fuzzy-search.ts'

export type FuzzyTextKey = LeafKey & { readonly kind: 'text' | 'body' }

/** Looks for several fuzzy conditions at once in the text of one message. */
export class FuzzyTexts implements TextSink {
  readonly #searches: readonly (readonly [FuzzyTextKey, FuzzySearch])[]

  constructor(keys: readonly FuzzyTextKey[]) {
    this.#searches = keys.map((key) => [key, new FuzzySearch(fuzzyPattern(key))])
  }

  get isDone(): boolean {
    return this.#searches.every(([, search]) => search.isDone)
  }

  push(text: string): void {
    for (const [, search] of this.#searches) if (!search.isDone) search.push(text)
  }

  whole(text: string): void {
    for (const [, search] of this.#searches) if (!search.isDone) search.whole(text)
  }

  cut(): void {
    for (const [, search] of this.#searches) search.cut()
  }

  /** How well the text, now read, answers each condition. */
  scoreInto(scores: FuzzyScores): void {
    for (const [key, search] of this.#searches) {
      search.cut()
      scores.set(key, search.score)
    }
  }
}
