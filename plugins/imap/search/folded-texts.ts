import type { CacheBudget, Keeper } from '../kept/cache-budget.ts'
import type { EnvelopeField } from '../wire/search-keys.ts'
import type { LeafKey } from './evaluate.ts'
import { foldedText } from './fold.ts'

/** What an entry takes beside its text, in octets. */
const ENTRY_OCTETS = 64

/**
 * Fields of one mailbox's messages as searches compare them: decoded and folded once, when the first search asks. A
 * message never changes and its UID is never used again, so nothing here becomes wrong; what is gone is not asked for.
 */
export class FoldedTexts implements Keeper {
  readonly #budget: CacheBudget
  readonly #fields = new Map<EnvelopeField, Map<number, string | undefined>>()

  constructor(budget: CacheBudget) {
    this.#budget = budget
  }

  /** Keeps what a message has in a field, as far as there is room. @param text undefined when the message has none */
  add(field: EnvelopeField, uid: number, text: string | undefined): void {
    let texts = this.#fields.get(field)
    if (texts?.has(uid) || !this.#budget.take(this, ENTRY_OCTETS + (text?.length ?? 0))) return
    if (texts === undefined) {
      texts = new Map()
      this.#fields.set(field, texts)
    }
    texts.set(uid, text)
  }

  /** Does the message meet the condition? undefined when that is not known here. */
  answer(key: LeafKey, uid: number): boolean | undefined {
    // How well a fuzzy condition is met is told as well, which takes more than this.
    if (key.kind !== 'envelope' || key.isFuzzy) return undefined
    const texts = this.#fields.get(key.field)
    const text = texts?.get(uid)
    if (text !== undefined) return text.includes(foldedText(key))
    return texts?.has(uid) ? false : undefined
  }

  /** A search begins: what others keep goes before this. */
  used(): void {
    this.#budget.used(this)
  }

  clear(): void {
    this.#fields.clear()
    this.#budget.giveBack(this)
  }
}
