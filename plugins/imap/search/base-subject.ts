const BLOB = String.raw`\[[^[\]]*\]\s*`
/** `Re:`, `Fwd [x]:`, with what stands in brackets before it. */
const LEADER = new RegExp(`^(?:${BLOB})*(?:re|fwd?)\\s*(?:${BLOB})?:`, 'i')
const LEADING_BLOB = new RegExp(`^${BLOB}`)
const TRAILER = /\(fwd\)$/i
const FORWARDED = /^\[fwd:(.*)\]$/i
/** Each step takes a little away: what is longer is compared by its beginning. */
const MAX_CHARACTERS = 2000

export interface BaseSubject {
  readonly text: string
  /** Something was taken away that says "reply" or "forward". */
  readonly isReply: boolean
}

/** The subject without what replies and forwards add (RFC 5256 section 2.1). @param subject decoded */
export function baseSubject(subject: string): BaseSubject {
  let text = subject.slice(0, MAX_CHARACTERS).replace(/\s+/g, ' ').trim()
  let isReply = false
  for (;;) {
    const shorter = withoutMark(text)
    if (shorter !== undefined) isReply = true
    // A blob goes only where something is left behind it.
    const next = shorter ?? (text.replace(LEADING_BLOB, '') || text)
    if (next === text) return { text, isReply }
    text = next.trim()
  }
}

function withoutMark(text: string): string | undefined {
  for (const mark of [TRAILER, LEADER]) if (mark.test(text)) return text.replace(mark, '')
  return FORWARDED.exec(text)?.[1]
}
