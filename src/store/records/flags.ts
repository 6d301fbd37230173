import { MailError } from '../../errors/mail-error.ts'
import type { FlagChange, FlagClasses } from '../mail-store.ts'

/** Flags of a message: the five of RFC 3501 section 2.3.2 as bits, keywords as text that compares without case. */
export interface Flags {
  readonly bits: number
  /** Keywords with a space between them, in the spelling they were first given. */
  readonly keywords: string
}

export const SEEN = 1
export const DELETED = 8

const SYSTEM = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'] as const
const BIT_OF: ReadonlyMap<string, number> = new Map(SYSTEM.map((flag, at) => [flag.toLowerCase(), 1 << at]))

/** RFC 3501 section 9: flag-keyword is an atom. */
const KEYWORD = /^[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+$/
const MAX_KEYWORD_LENGTH = 128
const MAX_KEYWORDS = 128

/** @throws MailError INVALID (no system flag of ours, no atom), LIMIT_REACHED (too many keywords) */
export function parseFlags(flags: readonly string[]): Flags {
  let bits = 0
  let keywords: Map<string, string> | undefined
  for (const flag of flags) {
    const folded = flag.toLowerCase()
    const bit = BIT_OF.get(folded)
    if (bit !== undefined) bits |= bit
    // RFC 3501 section 2.3.2: no client can set \Recent; to list it is no error.
    else if (folded !== '\\recent') {
      checkKeyword(flag)
      keywords ??= new Map()
      if (!keywords.has(folded)) keywords.set(folded, flag)
    }
  }
  return { bits, keywords: keywords === undefined ? '' : join(keywords) }
}

/** @throws MailError LIMIT_REACHED */
export function applyFlags(old: Flags, mode: FlagChange['mode'], change: Flags): Flags {
  if (mode === 'add') {
    return { bits: old.bits | change.bits, keywords: union(old.keywords, change.keywords) }
  }
  if (mode === 'remove') {
    return { bits: old.bits & ~change.bits, keywords: difference(old.keywords, change.keywords) }
  }
  const isSame = union(old.keywords, change.keywords) === old.keywords && count(old) === count(change)
  return { bits: change.bits, keywords: isSame ? old.keywords : change.keywords }
}

/** Flags of these classes as `flags` has them, all others as in `rest`. */
export function mixFlags(flags: Flags, rest: Flags, { seen, deleted, others }: FlagClasses): Flags {
  const taken = (seen ? SEEN : 0) | (deleted ? DELETED : 0) | (others ? ~(SEEN | DELETED) : 0)
  return {
    bits: (flags.bits & taken) | (rest.bits & ~taken),
    keywords: others ? flags.keywords : rest.keywords,
  }
}

export const NO_FLAGS: Flags = { bits: 0, keywords: '' }

const lists = new Map<string, (readonly string[])[]>()
const MAX_REMEMBERED = 1000

/** The flags as the outside sees them. Equal flags give the same frozen array: a view of a mailbox holds few of them. */
export function flagList(bits: number, keywords: string): readonly string[] {
  let byBits = lists.get(keywords)
  if (byBits === undefined) {
    if (lists.size >= MAX_REMEMBERED) lists.clear()
    byBits = []
    lists.set(keywords, byBits)
  }
  byBits[bits] ??= Object.freeze([...SYSTEM.filter((_, at) => bits & (1 << at)), ...split(keywords)])
  return byBits[bits]
}

function checkKeyword(flag: string): void {
  if (!KEYWORD.test(flag)) throw new MailError('INVALID', `${JSON.stringify(flag)} is no flag`)
  if (flag.length > MAX_KEYWORD_LENGTH) throw new MailError('LIMIT_REACHED', 'a keyword is too long')
}

function union(old: string, added: string): string {
  if (added === '') return old
  const all = folded(old)
  for (const [name, keyword] of folded(added)) if (!all.has(name)) all.set(name, keyword)
  return join(all)
}

function difference(old: string, removed: string): string {
  if (old === '' || removed === '') return old
  const rest = folded(old)
  for (const name of folded(removed).keys()) rest.delete(name)
  return join(rest)
}

function join(keywords: ReadonlyMap<string, string>): string {
  if (keywords.size > MAX_KEYWORDS) throw new MailError('LIMIT_REACHED', 'a message has too many keywords')
  return [...keywords.values()].join(' ')
}

const split = (keywords: string): string[] => (keywords === '' ? [] : keywords.split(' '))
const folded = (keywords: string): Map<string, string> =>
  new Map(split(keywords).map((keyword) => [keyword.toLowerCase(), keyword]))
const count = ({ keywords }: Flags): number => split(keywords).length
