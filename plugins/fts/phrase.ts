import { TEXT_BREAK } from 'mailserver'

/** What FTS5's trigrams are made of. */
const TRIGRAM = 3

/** FTS5 would end a text at its first NUL. */
const NUL = /\0/g

/** The text as it is handed to FTS5. */
export const storable = (text: string): string => (text.includes('\0') ? text.replace(NUL, TEXT_BREAK) : text)

export interface Phrase {
  /** In the query language of FTS5. */
  readonly text: string
  /** A text that has the phrase has the needle. */
  readonly isExact: boolean
}

/**
 * The needle as a phrase: its trigrams, one behind the other. Every text with the needle has the phrase; the reverse holds
 * but for characters that are written as others in the index. Undefined for a needle that is shorter than a trigram.
 */
export function phraseOf(needle: string): Phrase | undefined {
  if (Array.from(needle).length < TRIGRAM) return undefined
  const isExact = !needle.includes('\0') && !needle.includes(TEXT_BREAK) && !needle.includes('\ufffd')
  // Half of a surrogate pair is in no text of its own: it stands in the index as the other half makes it.
  if (!needle.isWellFormed()) return undefined
  return { text: `"${storable(needle).replaceAll('"', '""')}"`, isExact }
}
