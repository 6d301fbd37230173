import { foldText } from 'mailserver'
import { foldLetters } from './fold-letters.ts'

/** Letters and digits; all else stands between words. */
export const WORD = /[\p{L}\p{N}]+/gu
/** Scripts that are written without spaces: their words cannot be told apart, and are looked for anywhere. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

/** Words of one key that are looked for; more would be a text, and cost as much. */
const MAX_WORDS = 16

/** What a fuzzy key looks for. */
export interface FuzzyPattern {
  /** Folded. None: the key has no word, and is matched as it is. */
  readonly words: readonly string[]
  /** Which of the words are looked for anywhere. */
  readonly isUnspaced: readonly boolean[]
  /** All of it, as an exact search would look for it. */
  readonly exact: string
}

const patterns = new WeakMap<object, FuzzyPattern>()

/** The pattern of a condition, made once for all messages. */
export function fuzzyPattern(key: { readonly text: string }): FuzzyPattern {
  let pattern = patterns.get(key)
  if (pattern === undefined) {
    const words = (foldLetters(key.text).match(WORD) ?? []).slice(0, MAX_WORDS)
    pattern = { words, isUnspaced: words.map((word) => UNSPACED.test(word)), exact: foldText(key.text) }
    patterns.set(key, pattern)
  }
  return pattern
}
