import type { TextSink } from 'mailserver'
import { TextSearch } from '../fold.ts'
import { foldLetters } from './fold-letters.ts'
import { type FuzzyPattern, WORD } from './fuzzy-pattern.ts'
import { likeness } from './word-likeness.ts'

/** Characters of one text whose words are compared; behind them only the pattern as it stands is found. */
const MAX_CHARACTERS = 1_000_000
/** Words that were compared already are not compared again; so many are remembered. */
const MAX_REMEMBERED = 20_000
/** A word that comes in pieces is put together up to this length. */
const MAX_WORD = 256

/** The words stand side by side, as they were asked for. */
const PHRASE = 100
/** All words are there, in whatever order: what their likeness is a part of. */
const WORDS = 95
/** Of the pattern no word is alike, and yet it stands there: inside of words, or between them. */
const EXACT = 57

/**
 * Looks for something like the pattern in text that comes in pieces. Two thirds of its words must be there or alike; all
 * of them when there are one or two. Whatever an exact search finds is found as well.
 */
export class FuzzySearch implements TextSink {
  readonly #pattern: FuzzyPattern
  readonly #best: number[]
  readonly #exact: TextSearch
  readonly #remembered = new Set<string>()
  /** The words that came last, for phrases. */
  readonly #last: string[] = []
  #hasPhrase = false
  #carry = ''
  #characters = 0

  constructor(pattern: FuzzyPattern) {
    this.#pattern = pattern
    this.#best = pattern.words.map(() => 0)
    this.#exact = new TextSearch(pattern.exact === '' ? [] : [pattern.exact])
  }

  /** Nothing that comes can make it better. */
  get isDone(): boolean {
    return this.#hasPhrase || (this.#pattern.words.length === 0 && this.#exact.isDone)
  }

  /** From 1 to 100; 0 when there is nothing like it. */
  get score(): number {
    const { words } = this.#pattern
    if (words.length === 0) return this.#exact.isDone ? PHRASE : 0
    if (this.#hasPhrase) return PHRASE
    const letters = words.reduce((total, { length }) => total + length, 0)
    const sum = words.reduce((total, { length }, at) => total + (this.#best[at] as number) * length, 0)
    const found = this.#best.filter((best) => best > 0).length
    const isEnough = found * 3 >= words.length * 2
    const score = isEnough ? Math.max(1, Math.round((WORDS * sum) / letters)) : 0
    return this.#exact.isDone ? Math.max(EXACT, score) : score
  }

  push(text: string): void {
    this.#exact.push(text)
    if (this.#characters >= MAX_CHARACTERS) return
    const left = MAX_CHARACTERS - this.#characters
    this.#characters += text.length
    const folded = this.#carry + foldLetters(text.length > left ? text.slice(0, left) : text)
    this.#carry = ''
    for (const match of folded.matchAll(WORD)) {
      const [word] = match
      const isLast = match.index + word.length === folded.length
      // It may go on in the next piece.
      if (isLast && word.length <= MAX_WORD) this.#carry = word
      else this.#word(word)
      if (this.#hasPhrase) return
    }
  }

  whole(text: string): void {
    this.cut()
    this.push(text)
    this.cut()
  }

  cut(): void {
    const word = this.#carry
    this.#carry = ''
    if (word !== '') this.#word(word)
    this.#exact.cut()
    this.#last.length = 0
  }

  #word(word: string): void {
    const { words, isUnspaced } = this.#pattern
    if (words.length === 0) return
    this.#last.push(word)
    if (this.#last.length > words.length) this.#last.shift()
    if (this.#last.length === words.length && words.every((wanted, at) => wanted === this.#last[at])) {
      this.#hasPhrase = true
      return
    }
    if (this.#remembered.has(word)) return
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
    this.#remembered.add(word)
    for (const [at, wanted] of words.entries()) {
      const best = this.#best[at] as number
      if (best === 1) continue
      const like = isUnspaced[at] ? (word.includes(wanted) ? 1 : 0) : likeness(wanted, word)
      if (like > best) this.#best[at] = like
    }
  }
}

/** How well one text answers the pattern, 0 to 100. */
export function fuzzyScore(pattern: FuzzyPattern, text: string): number {
  const search = new FuzzySearch(pattern)
  search.push(text)
  search.cut()
  return search.score
}
