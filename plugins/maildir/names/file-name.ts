/**
 * Names of message files: a unique part, sizes that Maildir++ and Dovecot write behind it, and behind `:2,` the letters of
 * the flags. The unique part alone is what we know a message by, for tools add and drop the rest.
 */
export interface FileName {
  /** Never changes while the message is in this folder. */
  readonly key: string
  /** What `dovecot-uidlist` names it by: everything before the colon. */
  readonly stem: string
  /** Letters behind `:2,`, each once, in the order of their codes. */
  readonly letters: string
}

/** Sizes, and the UID that mbsync notes. */
const FIELDS = /,[SWU]=\d+/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: a name with a line break would break the uidlist
const IMPOSSIBLE = /[\u0000-\u001f\u007f/]/
const MAX_NAME_BYTES = 255

/** @returns undefined for what is no message: hidden files, and names that no list could hold */
export function parseFileName(name: string): FileName | undefined {
  if (name === '' || name.startsWith('.') || IMPOSSIBLE.test(name) || Buffer.byteLength(name) > MAX_NAME_BYTES) {
    return undefined
  }
  const colon = name.indexOf(':')
  const stem = colon === -1 ? name : name.slice(0, colon)
  const key = stem.replace(FIELDS, '')
  if (key === '') return undefined
  const info = colon === -1 ? '' : name.slice(colon + 1)
  const letters = info.startsWith('2,') ? (info.slice(2).split(',')[0] as string) : ''
  return { key, stem, letters: sortLetters(letters) }
}

/** @param stem without a colon @param letters in any order */
export const formatFileName = (stem: string, letters: string): string => `${stem}:2,${sortLetters(letters)}`

export const sortLetters = (letters: string): string => [...new Set(letters)].sort().join('')

/** The unique part with its sizes: `S` octets of the file, `W` of the message with CRLF. */
export const stemOf = (key: string, size: number, virtualSize: number): string => `${key},S=${size},W=${virtualSize}`
