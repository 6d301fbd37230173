import { foldText, type TextSink } from 'mailserver'

const folded = new WeakMap<object, string>()

/** The text of a condition, folded once for all messages. */
export function foldedText(key: { readonly text: string }): string {
  let text = folded.get(key)
  if (text === undefined) {
    text = foldText(key.text)
    folded.set(key, text)
  }
  return text
}

/** Looks for several texts at once in text that comes in pieces. */
export class TextSearch implements TextSink {
  readonly #missing: Set<string>
  readonly #longest: number
  #carry = ''

  /** @param needles folded */
  constructor(needles: Iterable<string>) {
    this.#missing = new Set(needles)
    this.#longest = Math.max(1, ...Array.from(this.#missing, (needle) => needle.length))
  }

  /** All are found: nothing more needs to be read. */
  get isDone(): boolean {
    return this.#missing.size === 0
  }

  has(needle: string): boolean {
    return !this.#missing.has(needle)
  }

  push(text: string): void {
    const folded = this.#carry + foldText(text)
    for (const needle of this.#missing) if (folded.includes(needle)) this.#missing.delete(needle)
    this.#carry = folded.slice(folded.length - Math.min(folded.length, this.#longest - 1))
  }

  /** Takes a whole text of ASCII alone, which goes on from nothing and ends here. */
  whole(text: string): void {
    this.#carry = ''
    const folded = text.toLowerCase()
    for (const needle of this.#missing) if (folded.includes(needle)) this.#missing.delete(needle)
  }

  /** What comes now does not go on from what came before. */
  cut(): void {
    this.#carry = ''
  }
}
