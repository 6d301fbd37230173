import { editDistance } from './edit-distance.ts'

/** Words up to this length are compared letter by letter; longer ones are equal, or contain each other, or are not alike. */
const MAX_LETTERS = 40
/** Shorter words are too much like too many others. */
const MIN_LETTERS = 4
/** From here on a word may have two letters wrong. */
const LONG_LETTERS = 8

/** How much alike words are, from 0 (not at all) to 1 (the same). */
const SAME = 1
const BEGINS = 0.9
const STEM = 0.75
const ONE_WRONG = 0.7
const CONTAINS = 0.6
const TWO_WRONG = 0.55
/** One or two letters are in nearly every word. */
const CONTAINS_FEW = 0.1

/** How well `word` of a text answers `wanted`, both folded. */
export function likeness(wanted: string, word: string): number {
  if (word === wanted) return SAME
  if (word.startsWith(wanted)) return wanted.length < 3 ? CONTAINS_FEW : BEGINS
  if (word.includes(wanted)) return wanted.length < 3 ? CONTAINS_FEW : CONTAINS
  if (wanted.length < MIN_LETTERS || wanted.length > MAX_LETTERS || word.length > MAX_LETTERS) return 0
  if (haveStem(wanted, word)) return STEM
  const most = wanted.length >= LONG_LETTERS ? 2 : 1
  const distance = editDistance(wanted, word, most)
  if (distance > most) return 0
  return distance === 1 ? ONE_WRONG : TWO_WRONG
}

/** They begin alike, for most of their length: `searching` and `searches`. No language's endings are known. */
function haveStem(one: string, other: string): boolean {
  const longest = Math.max(one.length, other.length)
  const shortest = Math.min(one.length, other.length)
  // What they would have to share is longer than one of them.
  if (shortest < MIN_LETTERS || shortest * 5 < longest * 3) return false
  let shared = 0
  while (shared < shortest && one.charCodeAt(shared) === other.charCodeAt(shared)) shared += 1
  return shared >= MIN_LETTERS && shared * 5 >= longest * 3
}
