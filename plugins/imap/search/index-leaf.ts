import { decodeWords, foldText, type MessageIndex } from 'mailserver'
import { threadIdOf } from '../object-ids.ts'
import { dayOf } from '../wire/date-time.ts'
import type { EnvelopeField } from '../wire/search-keys.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'
import { type EnvelopeValues, readEnvelope } from './envelope-reader.ts'
import type { LeafKey } from './evaluate.ts'
import { foldedText } from './fold.ts'
import { fuzzyPattern } from './fuzzy/fuzzy-pattern.ts'
import { fuzzyScore } from './fuzzy/fuzzy-search.ts'
import type { FuzzyScores } from './relevancy.ts'
import { holds } from './state-leaf.ts'

/** Told of each field that was decoded and folded; undefined when the message has none. */
type OnFolded = (field: EnvelopeField, text: string | undefined) => void

/** Answers the conditions that the message's index knows; undefined for those that need its octets. */
export class IndexLeaf {
  readonly #index: MessageIndex
  readonly #scores: FuzzyScores
  readonly #onFolded: OnFolded
  readonly #folded = new Map<EnvelopeField, string | undefined>()
  #envelope: EnvelopeValues | undefined

  /** @param scores takes how well fuzzy conditions are met */
  constructor(index: MessageIndex, scores: FuzzyScores, onFolded: OnFolded) {
    this.#index = index
    this.#scores = scores
    this.#onFolded = onFolded
  }

  answer(key: LeafKey): boolean | undefined {
    if (key.kind === 'sent') {
      const day = sentDay(this.#values.date)
      return day !== undefined && holds(key.relation, day, key.day)
    }
    if (key.kind === 'threadid') return threadIdOf(this.#index) === key.id
    if (key.kind !== 'envelope') return undefined
    if (key.isFuzzy) return this.#score(key) > 0
    return this.#text(key.field)?.includes(foldedText(key)) ?? false
  }

  #score(key: LeafKey & { readonly kind: 'envelope' }): number {
    let score = this.#scores.get(key)
    if (score === undefined) {
      const text = this.#text(key.field)
      score = text === undefined ? 0 : fuzzyScore(fuzzyPattern(key), text)
      this.#scores.set(key, score)
    }
    return score
  }

  get #values(): EnvelopeValues {
    this.#envelope ??= readEnvelope(this.#index.envelope)
    return this.#envelope
  }

  #text(field: EnvelopeField): string | undefined {
    if (!this.#folded.has(field)) {
      const value = field === 'subject' ? (this.#index.subject ?? this.#values.subject) : this.#values[field]
      const isDecoded = field === 'subject' && this.#index.subject !== undefined
      const text = value === undefined || isDecoded ? value : decodeWords(value)
      const folded = text === undefined ? undefined : foldText(text)
      this.#folded.set(field, folded)
      this.#onFolded(field, folded)
    }
    return this.#folded.get(field)
  }
}

const DATE = /(\d{1,2})[ \t]+([A-Za-z]{3})[A-Za-z]*[ \t]+(\d{2,4})/

/** The day that stands in a Date field, whatever its time and zone (RFC 3501 section 6.4.4, SENTBEFORE). */
export function sentDay(date: string | undefined): number | undefined {
  const match = date === undefined ? null : DATE.exec(date)
  if (match === null) return undefined
  const digits = match[3] as string
  const year = Number(digits)
  // RFC 5322 section 4.3: years of two and three digits.
  const full = digits.length === 4 ? year : digits.length === 2 && year < 50 ? year + 2000 : year + 1900
  try {
    return dayOf(Number(match[1]), match[2] as string, full)
  } catch (cause) {
    if (cause instanceof SyntaxFault) return undefined
    throw cause
  }
}
