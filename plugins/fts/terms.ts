/** Ends a term where it is written down; it is in none. */
export const TERM_END = 0x0a

/** ASCII that belongs to a word, or to an address, a host, a number or an identifier. */
const WORD = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@.-_'

/**
 * Which octets of UTF-8 are part of terms: 1 for those of a word, and for all beyond ASCII. What stands between them is in
 * no term. Every run of such octets that a text has, whole, is one of its terms.
 */
export const IN_TERM: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) =>
  octet >= 0x80 || WORD.includes(String.fromCharCode(octet)) ? 1 : 0,
)

/** Of a needle with more parts than this, the longest are looked for. */
const MAX_PARTS = 16

/** What a text with a needle has in its terms. */
export interface NeedleTerms {
  /**
   * Each is in what `TermTable` writes, where terms stand between `TERM_END`s: a term, a beginning or an end of one with the
   * `TERM_END` that shows it, or a part. The longest, which the fewest texts have, first.
   */
  readonly parts: readonly Buffer[]
  /** A text that has them all has the needle. */
  readonly isExact: boolean
}

/** undefined for a needle that says nothing about terms, or that no UTF-8 has. */
export function needleTerms(needle: string): NeedleTerms | undefined {
  // Half of a surrogate pair is in no text of its own: it stands in the index as U+FFFD.
  if (!needle.isWellFormed()) return undefined
  const octets = Buffer.from(needle)
  const parts: Buffer[] = []
  for (let from = 0; from < octets.length; from++) {
    if (IN_TERM[octets[from] as number] === 0) continue
    let to = from + 1
    while (to < octets.length && IN_TERM[octets[to] as number] === 1) to++
    const part = octets.subarray(from, to)
    const begins = from > 0 ? [TERM_END] : []
    const ends = to < octets.length ? [TERM_END] : []
    parts.push(Buffer.from([...begins, ...part, ...ends]))
    from = to
  }
  if (parts.length === 0) return undefined
  return {
    parts: parts.sort((a, b) => b.length - a.length).slice(0, MAX_PARTS),
    isExact: octets.every((octet) => IN_TERM[octet] === 1) && !needle.includes('\ufffd'),
  }
}
