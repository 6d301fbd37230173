import { HIERARCHY_SEPARATOR } from '../mail-store.ts'
import { decodeModifiedUtf7, encodeModifiedUtf7 } from './modified-utf7.ts'

/** Letters of https://cr.yp.to/proto/maildir.html; keywords have small letters, by their place in `dovecot-keywords`. */
const LETTERS: ReadonlyMap<string, string> = new Map([
  ['\\draft', 'D'],
  ['\\flagged', 'F'],
  ['\\answered', 'R'],
  ['\\seen', 'S'],
  ['\\deleted', 'T'],
])
const FLAGS: ReadonlyMap<string, string> = new Map([
  ['D', '\\Draft'],
  ['F', '\\Flagged'],
  ['P', '$Forwarded'],
  ['R', '\\Answered'],
  ['S', '\\Seen'],
  ['T', '\\Deleted'],
])
export const MAX_KEYWORD_LETTERS = 26
const FIRST_LETTER = 97

/** Directory of a mailbox in a Maildir++: INBOX is the Maildir itself, all others are `.Name.Sub` in it. */
export function folderOf(name: string): string {
  if (name === 'INBOX') return ''
  const levels = name.split(HIERARCHY_SEPARATOR).map((level) => encodeModifiedUtf7(level).replaceAll('.', '\\2e'))
  return `.${levels.join('.')}`
}

/** Name of the mailbox of a folder. */
export function mailboxOf(folder: string): string {
  const levels = folder
    .slice(1)
    .split('.')
    .map((level) => decodeModifiedUtf7(level.replace(/\\2e/gi, '.')))
  return levels.join(HIERARCHY_SEPARATOR)
}

/** Letters behind `:2,`, in the order that the format wants. @param keywords of the folder, in their places */
export function lettersOf(flags: readonly string[], keywords: readonly string[]): string {
  const letters = flags.flatMap((flag) => {
    const letter = LETTERS.get(flag.toLowerCase())
    if (letter !== undefined) return letter
    const place = keywords.findIndex((keyword) => keyword.toLowerCase() === flag.toLowerCase())
    return place === -1 || place >= MAX_KEYWORD_LETTERS ? [] : String.fromCharCode(FIRST_LETTER + place)
  })
  return letters.sort().join('')
}

export function flagsOf(letters: string, keywords: ReadonlyMap<number, string>): string[] {
  return [...letters].flatMap((letter) => FLAGS.get(letter) ?? keywords.get(letter.charCodeAt(0) - FIRST_LETTER) ?? [])
}

/** `0 Important` a line. */
export function parseKeywords(text: string): ReadonlyMap<number, string> {
  const found = new Map<number, string>()
  for (const line of text.split('\n')) {
    const match = /^(\d+) (\S+)\s*$/.exec(line)
    if (match !== null) found.set(Number(match[1]), match[2] as string)
  }
  return found
}
