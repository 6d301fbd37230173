import { decodeWords, fieldValues, foldText, type MessageIndex } from 'mailserver'
import type { Leaf, LeafKey } from './evaluate.ts'
import { foldedText } from './fold.ts'
import { fuzzyPattern } from './fuzzy/fuzzy-pattern.ts'
import { fuzzyScore } from './fuzzy/fuzzy-search.ts'
import type { FuzzyScores } from './relevancy.ts'

/** Fields are looked for in so much of a header. */
const MAX_HEADER_BYTES = 4 * 1024 * 1024

export function headerRange({ root }: MessageIndex): { readonly start: number; readonly end: number } {
  return { start: 0, end: Math.min(root.bodyStart, MAX_HEADER_BYTES) }
}

/** Answers conditions of header fields as well. @param scores takes how well fuzzy ones are met */
export function headerLeaf(known: Leaf, header: Buffer, scores: FuzzyScores): Leaf {
  return (key) => {
    const answer = known(key)
    if (answer !== undefined || key.kind !== 'header') return answer
    if (key.isFuzzy) return scoreOf(key, header, scores) > 0
    const wanted = foldedText(key)
    return fieldValues(header, key.field).some((value) => foldText(decodeWords(value)).includes(wanted))
  }
}

/** Of several fields of one name the best counts. */
function scoreOf(key: LeafKey & { readonly kind: 'header' }, header: Buffer, scores: FuzzyScores): number {
  let score = scores.get(key)
  if (score === undefined) {
    const pattern = fuzzyPattern(key)
    const values = fieldValues(header, key.field)
    score = values.reduce((best, value) => Math.max(best, fuzzyScore(pattern, decodeWords(value))), 0)
    scores.set(key, score)
  }
  return score
}
