import { setImmediate as nextTurn } from 'node:timers/promises'
import { type ScannedMessage, scanMessage } from 'mailserver'
import type { Leaf, LeafKey } from './evaluate.ts'
import { foldedText, TextSearch } from './fold.ts'
import { type FuzzyTextKey, FuzzyTexts } from './fuzzy/fuzzy-texts.ts'
import { type FuzzyScores, isFuzzy } from './relevancy.ts'

/** Octets of text in which something like a word is looked for before others get their turn. */
const FUZZY_BYTES = 1024 * 1024

/** Looks for what a search wants in the text of messages, one after the other. */
export class TextScan {
  readonly #needles: readonly string[]
  readonly #bodyNeedles: readonly string[]
  readonly #fuzzyTexts: readonly FuzzyTextKey[]
  readonly #fuzzyBodies: readonly FuzzyTextKey[]
  /** Octets that were looked at fuzzily since others had their turn. */
  #fuzzyOctets = 0

  /** @param leaves all conditions of the search */
  constructor(leaves: readonly LeafKey[]) {
    this.#needles = textsOf(leaves, 'text')
    this.#bodyNeedles = textsOf(leaves, 'body')
    this.#fuzzyTexts = fuzzyOf(leaves, 'text')
    this.#fuzzyBodies = fuzzyOf(leaves, 'body')
  }

  /** Does the search want anything of the text? */
  get isNeeded(): boolean {
    const all = [this.#needles, this.#bodyNeedles, this.#fuzzyTexts, this.#fuzzyBodies]
    return all.some((wanted) => wanted.length > 0)
  }

  /** Answers every condition, those of the text as well. @param scores takes how well fuzzy ones are met */
  async answers(message: ScannedMessage, known: Leaf, scores: FuzzyScores): Promise<Leaf> {
    const text = searchFor(this.#needles)
    const body = searchFor(this.#bodyNeedles)
    if (!body.isDone) await scanMessage(message, body, false)
    if (!text.isDone) await scanMessage(message, text, true)
    if (this.#fuzzyBodies.length > 0) await this.#scanFuzzily(message, this.#fuzzyBodies, scores)
    if (this.#fuzzyTexts.length > 0) await this.#scanFuzzily(message, this.#fuzzyTexts, scores)
    return (key) => {
      const answer = known(key)
      if (answer !== undefined) return answer
      if (key.kind !== 'text' && key.kind !== 'body') return false
      if (key.isFuzzy) return (scores.get(key) ?? 0) > 0
      return (key.kind === 'text' ? text : body).has(foldedText(key))
    }
  }

  /** @param keys all of one kind */
  async #scanFuzzily(message: ScannedMessage, keys: readonly FuzzyTextKey[], scores: FuzzyScores): Promise<void> {
    const texts = new FuzzyTexts(keys)
    if (!texts.isDone) await scanMessage(message, texts, keys[0]?.kind === 'text')
    texts.scoreInto(scores)
    this.#fuzzyOctets += message.index.size
    if (this.#fuzzyOctets < FUZZY_BYTES) return
    this.#fuzzyOctets = 0
    await nextTurn()
  }
}

const NOTHING = new TextSearch([])

const searchFor = (needles: readonly string[]): TextSearch => (needles.length === 0 ? NOTHING : new TextSearch(needles))

/** Folded texts of the conditions of a kind; the empty text is in every message and needs no reading. */
function textsOf(leaves: readonly LeafKey[], kind: 'text' | 'body'): readonly string[] {
  return leaves.flatMap((leaf) => (leaf.kind === kind && leaf.text !== '' && !isFuzzy(leaf) ? [foldedText(leaf)] : []))
}

function fuzzyOf(leaves: readonly LeafKey[], kind: 'text' | 'body'): readonly FuzzyTextKey[] {
  return leaves.filter((leaf): leaf is FuzzyTextKey => leaf.kind === kind && isFuzzy(leaf))
}
