import { HIERARCHY_SEPARATOR } from 'mailserver'
import { canonicalMailbox } from './mailbox-name.ts'

/**
 * A mailbox pattern of LIST and LSUB (RFC 3501 section 6.3.8): `*` is anything, `%` anything within one level. Matching
 * takes time in proportion to pattern times name, whatever they are.
 */
export class ListPattern {
  readonly #pattern: string

  constructor(reference: string, pattern: string) {
    // The reference is put in front as it is; INBOX as a first level has no case.
    this.#pattern = canonicalMailbox(reference + pattern)
      .replace(/[*%]*\*[*%]*/g, '*')
      .replace(/%+/g, '%')
  }

  matches(name: string): boolean {
    const pattern = this.#pattern
    // reachable[at] says that the first `at` characters of the pattern can stand for what was read of the name.
    let reachable = new Uint8Array(pattern.length + 1)
    reachable[0] = 1
    spread(pattern, reachable)
    for (const character of name.split('')) {
      const next = new Uint8Array(pattern.length + 1)
      for (let at = 0; at < pattern.length; at++) {
        if (reachable[at] !== 1) continue
        const wanted = pattern.charAt(at)
        if (wanted === '*' || (wanted === '%' && character !== HIERARCHY_SEPARATOR)) next[at] = 1
        else if (wanted === character) next[at + 1] = 1
      }
      spread(pattern, next)
      reachable = next
    }
    return reachable[pattern.length] === 1
  }

  /** What every name that matches begins with: all before the first wildcard. */
  get head(): string {
    return /^[^*%]*/.exec(this.#pattern)?.[0] ?? ''
  }

  /** Does it end with `%`, so that levels which are no mailboxes are named too? */
  get endsWithLevel(): boolean {
    return this.#pattern.endsWith('%')
  }
}

/** A wildcard may stand for nothing. */
function spread(pattern: string, reachable: Uint8Array): void {
  for (let at = 0; at < pattern.length; at++) {
    if (reachable[at] === 1 && (pattern.charAt(at) === '*' || pattern.charAt(at) === '%')) reachable[at + 1] = 1
  }
}

/** `a` and `a/b` of `a/b/c`. */
export function parentsOf(name: string): readonly string[] {
  const levels = name.split(HIERARCHY_SEPARATOR)
  return levels.slice(1).map((_, at) => levels.slice(0, at + 1).join(HIERARCHY_SEPARATOR))
}
