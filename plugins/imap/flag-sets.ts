import { SYSTEM_FLAGS } from './wire/flags.ts'

/** One combination of flags that some message of a mailbox has. */
export interface FlagSet {
  readonly flags: readonly string[]
  /** As FETCH shows it, without `\Recent` and parentheses. */
  readonly text: string
  /** Every flag in lower case. */
  readonly lower: ReadonlySet<string>
}

/**
 * The combinations of flags in one mailbox. Messages are many and combinations few: a message carries the number of
 * its set, and text and searches are worked out once for each set.
 */
export class FlagSets {
  readonly #sets: FlagSet[] = []
  readonly #seen: boolean[] = []
  readonly #byList = new WeakMap<readonly string[], number>()
  readonly #byText = new Map<string, number>()
  readonly #keywords = new Map<string, string>()

  /** The number of the set with these flags. */
  idOf(flags: readonly string[]): number {
    // The store gives the same array for equal flags, again and again.
    let id = this.#byList.get(flags)
    if (id === undefined) {
      id = this.#idOfText(flags)
      this.#byList.set(flags, id)
    }
    return id
  }

  #idOfText(flags: readonly string[]): number {
    const text = flags.join(' ')
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const id = this.#sets.length
    const lower = new Set(flags.map((flag) => flag.toLowerCase()))
    this.#sets.push({ flags: [...flags], text, lower })
    this.#seen.push(lower.has('\\seen'))
    this.#byText.set(text, id)
    for (const flag of flags) {
      if (!flag.startsWith('\\') && !this.#keywords.has(flag.toLowerCase()))
        this.#keywords.set(flag.toLowerCase(), flag)
    }
    return id
  }

  get(id: number): FlagSet {
    return this.#sets[id] as FlagSet
  }

  /** Has the set `\Seen`? */
  isSeen(id: number): boolean {
    return this.#seen[id] as boolean
  }

  get size(): number {
    return this.#sets.length
  }

  /** Keywords seen so far; they only grow. */
  get keywordCount(): number {
    return this.#keywords.size
  }

  /** Flags of the mailbox: the system's and every keyword in use (RFC 3501 section 7.2.6). */
  get flags(): readonly string[] {
    return [...SYSTEM_FLAGS, ...this.#keywords.values()]
  }
}
