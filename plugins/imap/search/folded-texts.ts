import type { EnvelopeField } from '../wire/search-keys.ts'
import type { LeafKey } from './evaluate.ts'
import { foldedText } from './fold.ts'

/** Characters of texts that a worker keeps, for all mailboxes together: one field of some 200,000 messages. */
const MAX_CHARACTERS = 24 * 1024 * 1024
/** What an entry takes beside its text, in characters. */
const ENTRY_CHARACTERS = 64

/** How much the mailboxes of a worker keep together. What was used longest ago goes first. */
export class TextBudget {
  readonly #max: number
  /** Whoever keeps something, the last used at the end. */
  readonly #users = new Map<FoldedTexts, number>()
  #total = 0

  constructor(max = MAX_CHARACTERS) {
    this.#max = max
  }

  used(user: FoldedTexts): void {
    const characters = this.#users.get(user)
    if (characters === undefined) return
    this.#users.delete(user)
    this.#users.set(user, characters)
  }

  /** @returns false when there is no room, even without what all others keep */
  take(user: FoldedTexts, characters: number): boolean {
    const own = this.#users.get(user) ?? 0
    if (own + characters > this.#max) return false
    for (const oldest of this.#users.keys()) {
      if (this.#total + characters <= this.#max) break
      if (oldest !== user) oldest.clear()
    }
    this.#users.set(user, own + characters)
    this.#total += characters
    return true
  }

  giveBack(user: FoldedTexts): void {
    this.#total -= this.#users.get(user) ?? 0
    this.#users.delete(user)
  }
}

/**
 * Fields of one mailbox's messages as searches compare them: decoded and folded once, when the first search asks. A
 * message never changes and its UID is never used again, so nothing here becomes wrong; what is gone is not asked for.
 */
export class FoldedTexts {
  readonly #budget: TextBudget
  readonly #fields = new Map<EnvelopeField, Map<number, string | undefined>>()

  constructor(budget: TextBudget) {
    this.#budget = budget
  }

  /** Keeps what a message has in a field, as far as there is room. @param text undefined when the message has none */
  add(field: EnvelopeField, uid: number, text: string | undefined): void {
    let texts = this.#fields.get(field)
    if (texts?.has(uid) || !this.#budget.take(this, ENTRY_CHARACTERS + (text?.length ?? 0))) return
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
