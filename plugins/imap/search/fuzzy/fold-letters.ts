/** Letters that no decomposition takes apart, and how they are written without their own sign. */
const WRITTEN: ReadonlyMap<string, string> = new Map([
  ['ß', 'ss'],
  ['æ', 'ae'],
  ['œ', 'oe'],
  ['ø', 'o'],
  ['đ', 'd'],
  ['ð', 'd'],
  ['þ', 'th'],
  ['ł', 'l'],
  ['ı', 'i'],
  ['ς', 'σ'],
])
const SPECIAL = new RegExp(`[${[...WRITTEN.keys()].join('')}]`, 'g')
const ASCII = /^[\0-\x7f]*$/

/** Text without case and marks: `Élan` and `elan` are the same. */
export function foldLetters(text: string): string {
  const lower = text.toLowerCase()
  if (ASCII.test(lower)) return lower
  return lower
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(SPECIAL, (letter) => WRITTEN.get(letter) as string)
}
