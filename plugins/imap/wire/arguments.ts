import { type CharacterClass, endOf } from './characters.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** A piece of a command as it came: text of a line, or the octets of a literal. */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'literal'; readonly octets: Buffer; readonly isBinary: boolean }

/** Text with one character for each octet: what came from the wire before any character set was applied. */
export type Octets = string

const NOTHING: ReadonlySet<string> = new Set()

/**
 * Reads the arguments of one command from left to right (RFC 3501 section 9). Strings come out as `Octets`.
 * Every method throws SyntaxFault when what stands next is something else.
 */
export class Arguments {
  /** Words that this client may not use, behind the name of their command: those of extensions that are switched off. */
  hidden: ReadonlySet<string> = NOTHING
  /** Mailbox names are UTF-8, not modified UTF-7 (RFC 6855 section 3, RFC 9051 section 5.1). */
  isUtf8 = false
  readonly #parts: readonly Part[]
  #part = 0
  #at: number

  /** @param at where the arguments begin in the first part */
  constructor(parts: readonly Part[], at = 0) {
    this.#parts = parts
    this.#at = at
  }

  /** The text that is left of the current line; empty in front of a literal. */
  get #text(): string {
    const part = this.#parts[this.#part]
    return part?.kind === 'text' ? part.text : ''
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length && this.#part >= this.#parts.length - 1
  }

  /** The next character, not taken; empty at the end of a line. */
  get next(): string {
    return this.#text.charAt(this.#at)
  }

  get #isAtLiteral(): boolean {
    return this.#at >= this.#text.length && this.#parts[this.#part + 1]?.kind === 'literal'
  }

  /** Is there such a word for this client? @param item e.g. `STATUS SIZE` */
  knows(item: string): boolean {
    return this.hidden.size === 0 || !this.hidden.has(item)
  }

  end(): void {
    if (!this.isAtEnd) throw new SyntaxFault('Too many arguments')
  }

  space(): void {
    if (this.next !== ' ') throw new SyntaxFault(this.isAtEnd ? 'Missing argument' : 'Space expected')
    this.#at += 1
  }

  /** Takes the character when it is next. */
  skip(character: string): boolean {
    if (this.next !== character) return false
    this.#at += 1
    return true
  }

  expect(character: string): void {
    if (!this.skip(character)) throw new SyntaxFault(`"${character}" expected`)
  }

  /** Takes the word when it is next, whatever its case. */
  skipWord(word: string): boolean {
    if (this.#text.slice(this.#at, this.#at + word.length).toUpperCase() !== word) return false
    this.#at += word.length
    return true
  }

  atom(characters: CharacterClass = 'atom'): string {
    const end = endOf(characters, this.#text, this.#at)
    if (end === this.#at) throw new SyntaxFault(this.isAtEnd ? 'Missing argument' : 'Invalid character')
    return this.#take(end)
  }

  /** An atom in capitals. */
  word(): string {
    return this.atom().toUpperCase()
  }

  /** Letters, digits and dots, in capitals: the name of a FETCH attribute, which `[` ends. */
  name(): string {
    const match = /^[A-Za-z0-9.-]+/.exec(this.#text.slice(this.#at, this.#at + 64))
    if (match === null) throw new SyntaxFault('Name expected')
    return this.#take(this.#at + match[0].length).toUpperCase()
  }

  /** A number of 32 bits; with `isWide` of 63, of which those beyond 2^53 are all the same to us. */
  number(isWide = false): number {
    const match = /^\d{1,19}/.exec(this.#text.slice(this.#at, this.#at + 20))
    const value = Number(match?.[0] ?? Number.NaN)
    if (Number.isNaN(value) || (!isWide && value > 0xffffffff)) throw new SyntaxFault('Number expected')
    this.#at += (match?.[0] ?? '').length
    return Math.min(value, Number.MAX_SAFE_INTEGER)
  }

  /** quoted or literal. */
  string(): Octets {
    if (this.next === '"') return this.#quoted()
    if (this.#isAtLiteral) return this.#literal()
    throw new SyntaxFault(this.isAtEnd ? 'Missing argument' : 'String expected')
  }

  astring(): Octets {
    return this.next === '"' || this.#isAtLiteral ? this.string() : this.atom('astring')
  }

  /** A mailbox name with wildcards (LIST, LSUB). */
  listMailbox(): Octets {
    return this.next === '"' || this.#isAtLiteral ? this.string() : this.atom('list')
  }

  /** undefined for NIL. */
  nstring(): Octets | undefined {
    if (this.next === '"' || this.#isAtLiteral) return this.string()
    if (this.atom().toUpperCase() === 'NIL') return undefined
    throw new SyntaxFault('String or NIL expected')
  }

  /** Everything between parentheses, read by `item`, with one space between. */
  list<T>(item: () => T): T[] {
    this.expect('(')
    const items: T[] = []
    while (!this.skip(')')) {
      if (items.length > 0) this.space()
      items.push(item())
    }
    return items
  }

  /** Does the text at this place match? Nothing is taken. The pattern must be sticky. */
  looksLike(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    return pattern.test(this.#text)
  }

  /** Text that matches at this place, taken; undefined when it does not. The pattern must be sticky. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const text = pattern.exec(this.#text)?.[0]
    if (text !== undefined) this.#at += text.length
    return text
  }

  #take(end: number): string {
    const value = this.#text.slice(this.#at, end)
    this.#at = end
    return value
  }

  #quoted(): Octets {
    const text = this.#text
    let value = ''
    let from = this.#at + 1
    for (let at = from; at < text.length; at++) {
      const character = text.charAt(at)
      if (character === '"') {
        value += text.slice(from, at)
        this.#at = at + 1
        return value
      }
      if (character === '\\') {
        const escaped = text.charAt(at + 1)
        if (escaped !== '"' && escaped !== '\\') break
        value += text.slice(from, at)
        at += 1
        from = at
      } else if (character === '\0' || character === '\r') break
    }
    throw new SyntaxFault('Invalid quoted string')
  }

  #literal(): Octets {
    const part = this.#parts[this.#part + 1]
    if (part?.kind !== 'literal') throw new SyntaxFault('Literal expected')
    this.#part += 2
    this.#at = 0
    return part.octets.toString('latin1')
  }
}

/** Octets read as UTF-8. @throws SyntaxFault when they are not */
export function utf8Of(octets: Octets): string {
  try {
    return UTF8.decode(Buffer.from(octets, 'latin1'))
  } catch {
    throw new SyntaxFault('Invalid UTF-8')
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
