import type { ReturnOptions } from '../wire/return-options.ts'
import type { SearchKey } from '../wire/search-keys.ts'
import type { SortCriterion } from '../wire/sort-criteria.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'
import { evaluate, type Leaf, type LeafKey, leavesOf } from './evaluate.ts'

/** How well a message answers each fuzzy condition of text, 1 to 100; 0 when it does not. */
export type FuzzyScores = Map<LeafKey, number>

/** Of messages where nothing is fuzzy: nothing is put into them. */
export const NO_SCORES: FuzzyScores = new Map()

/** Nothing of what was asked for is fuzzy: all that matches does so wholly. */
const ALL = 100

/** The relevancy of what a search finds (RFC 6203 section 4). */
export class Relevancies {
  /** From 1 to 100, by position. */
  readonly byPosition = new Map<number, number>()
  readonly #key: SearchKey
  readonly #fuzzy: readonly LeafKey[]

  constructor(key: SearchKey) {
    this.#key = key
    this.#fuzzy = leavesOf(key).filter(isFuzzy)
  }

  /** Is the condition met? A message that is not relevant yet, for all that is known, must be read on. */
  decide(leaf: Leaf): boolean | undefined {
    const value = evaluate(this.#key, leaf)
    if (value !== true) return value
    return this.#fuzzy.every((key) => leaf(key) !== undefined) ? true : undefined
  }

  /** A message was found. */
  take(position: number, scores: FuzzyScores): void {
    this.byPosition.set(position, relevancyOf(this.#key, scores) ?? ALL)
  }
}

export const isFuzzy = (key: LeafKey): boolean => 'isFuzzy' in key && key.isFuzzy === true

/**
 * Takes the relevancy of what is found, when somebody wants it.
 * @throws SyntaxFault when nothing is asked for fuzzily (RFC 6203 sections 4 and 6)
 */
export function relevanciesFor(
  key: SearchKey,
  options: ReturnOptions | undefined,
  criteria: readonly SortCriterion[] = [],
): Relevancies | undefined {
  if (!options?.names.has('RELEVANCY') && criteria.every((one) => one.key !== 'RELEVANCY')) return undefined
  if (!asksFuzzily(key)) throw new SyntaxFault('RELEVANCY goes with FUZZY')
  return new Relevancies(key)
}

function asksFuzzily(key: SearchKey): boolean {
  switch (key.kind) {
    case 'fuzzy':
      return true
    case 'not':
      return asksFuzzily(key.key)
    case 'and':
    case 'or':
      return key.keys.some(asksFuzzily)
    default:
      return false
  }
}

/** Of conditions that must all be met the mean, of others the best. undefined where nothing is fuzzy. */
function relevancyOf(key: SearchKey, scores: FuzzyScores): number | undefined {
  switch (key.kind) {
    case 'fuzzy':
      return relevancyOf(key.key, scores)
    case 'and': {
      const known = key.keys.map((one) => relevancyOf(one, scores)).filter((score) => score !== undefined)
      if (known.length === 0) return undefined
      return Math.max(1, Math.round(known.reduce((sum, score) => sum + score, 0) / known.length))
    }
    case 'or': {
      const known = key.keys.map((one) => relevancyOf(one, scores)).filter((score) => score !== undefined)
      const best = Math.max(0, ...known)
      return best === 0 ? undefined : best
    }
    // What must not be there makes nothing more relevant.
    case 'not':
    case 'all':
      return undefined
    default:
      return isFuzzy(key) ? scores.get(key) : undefined
  }
}
