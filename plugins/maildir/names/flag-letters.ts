import { sortLetters } from './file-name.ts'

const LETTER_OF: ReadonlyMap<string, string> = new Map([
  ['\\draft', 'D'],
  ['\\flagged', 'F'],
  ['\\answered', 'R'],
  ['\\seen', 'S'],
  ['\\deleted', 'T'],
])
const FLAG_OF: ReadonlyMap<string, string> = new Map([
  ['D', '\\Draft'],
  ['F', '\\Flagged'],
  ['R', '\\Answered'],
  ['S', '\\Seen'],
  ['T', '\\Deleted'],
])
/** Letters that we set and take away; any other, such as `P`, stays as its program put it. */
const OURS = /[DFRSTa-z]/

/** Keywords of a folder by their number: `a` is the first. */
export type Keywords = readonly (string | undefined)[]

export const MAX_KEYWORDS = 26

/** Flags that the letters stand for; a letter without a keyword stands for nothing. */
export function flagsOf(letters: string, keywords: Keywords): string[] {
  const flags: string[] = []
  for (const letter of letters) {
    const flag = FLAG_OF.get(letter) ?? (/[a-z]/.test(letter) ? keywords[letter.charCodeAt(0) - 97] : undefined)
    if (flag !== undefined) flags.push(flag)
  }
  return flags
}

/** Letters for the flags. Keywords that have no letter are left out. @param others a name's letters, whose unknown ones stay */
export function lettersOf(flags: readonly string[], keywords: Keywords, others = ''): string {
  let letters = [...others].filter((letter) => !OURS.test(letter)).join('')
  for (const flag of flags) {
    const folded = flag.toLowerCase()
    const system = LETTER_OF.get(folded)
    if (system !== undefined) letters += system
    else {
      const at = keywords.findIndex((keyword) => keyword?.toLowerCase() === folded)
      if (at >= 0 && at < MAX_KEYWORDS) letters += String.fromCharCode(97 + at)
    }
  }
  return sortLetters(letters)
}

/** Letters of `next` that `last` has not. */
export const added = (last: string, next: string): string =>
  [...next].filter((letter) => !last.includes(letter)).join('')
