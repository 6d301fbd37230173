/** Character classes of RFC 3501 section 9, as tables over one octet. */

function table(allows: (code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (allows(code) ? 1 : 0))
}

const isIn = (set: string, code: number) => set.includes(String.fromCharCode(code))
const isPrintable = (code: number) => code > 0x20 && code < 0x7f

const ATOM = table((code) => isPrintable(code) && !isIn('(){%*"\\]', code))
/** ATOM-CHAR and `]` (resp-specials). */
const ASTRING = table((code) => isPrintable(code) && !isIn('(){%*"\\', code))
const TAG = table((code) => isPrintable(code) && !isIn('(){%*"\\+', code))
/** ATOM-CHAR, wildcards and `]`. */
const LIST = table((code) => isPrintable(code) && !isIn('(){"\\', code))

export type CharacterClass = 'atom' | 'astring' | 'tag' | 'list'

const TABLES: Readonly<Record<CharacterClass, Uint8Array>> = { atom: ATOM, astring: ASTRING, tag: TAG, list: LIST }

/** Index of the first character at or after `from` that is not of the class. */
export function endOf(characters: CharacterClass, text: string, from: number): number {
  const allowed = TABLES[characters]
  let at = from
  while (at < text.length && allowed[text.charCodeAt(at)] === 1) at += 1
  return at
}

/** Is the whole text, at least one character, of the class? */
export function consistsOf(characters: CharacterClass, text: string): boolean {
  return text.length > 0 && endOf(characters, text, 0) === text.length
}
