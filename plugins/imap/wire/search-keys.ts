import { type Arguments, type Octets, utf8Of } from './arguments.ts'
import { parseDate } from './date-time.ts'
import { parseSequenceSet, type SequenceSet } from './sequence-set.ts'
import { SyntaxFault } from './syntax-fault.ts'

export type EnvelopeField = 'from' | 'to' | 'cc' | 'bcc' | 'subject'
export type Relation = 'before' | 'on' | 'since'

/** One condition of SEARCH (RFC 3501 section 6.4.4). Text is decoded; days count from the epoch. */
export type SearchKey =
  | { readonly kind: 'all' }
  | { readonly kind: 'and'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'or'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'not'; readonly key: SearchKey }
  /** In lower case. */
  | { readonly kind: 'flag'; readonly flag: string }
  | { readonly kind: 'recent' }
  | { readonly kind: 'sequence' | 'uid'; readonly set: SequenceSet }
  | { readonly kind: 'larger' | 'smaller'; readonly octets: number }
  | { readonly kind: 'arrived' | 'sent'; readonly relation: Relation; readonly day: number }
  /** A field of ENVELOPE: `from`, `to`, `cc`, `bcc` or `subject`. */
  | { readonly kind: 'envelope'; readonly field: EnvelopeField; readonly text: string; readonly isFuzzy?: true }
  /** An empty text asks whether there is such a field. */
  | { readonly kind: 'header'; readonly field: string; readonly text: string; readonly isFuzzy?: true }
  | { readonly kind: 'body' | 'text'; readonly text: string; readonly isFuzzy?: true }
  /** FUZZY stands in front of the key (RFC 6203 section 3); the conditions of text in it are marked. */
  | { readonly kind: 'fuzzy'; readonly key: SearchKey }
  | { readonly kind: 'modseq'; readonly modSeq: number }
  /** Seconds since it arrived (RFC 5032). */
  | { readonly kind: 'younger' | 'older'; readonly seconds: number }
  /** When it came into this mailbox (RFC 8514). */
  | { readonly kind: 'saved'; readonly relation: Relation; readonly day: number }
  /** RFC 8474 section 6. */
  | { readonly kind: 'emailid' | 'threadid'; readonly id: string }

/** SEARCH names a character set that is not known: answered NO with BADCHARSET. */
export class UnknownCharset extends Error {
  override readonly name = 'UnknownCharset'
}

export const SEARCH_CHARSETS = ['US-ASCII', 'UTF-8'] as const

export interface SearchLimits {
  readonly searchDepth: number
  readonly items: number
}

/** CHARSET, when there is one, and all keys up to the end of the command. */
export function parseSearch(args: Arguments, limits: SearchLimits): SearchKey {
  if (args.skipWord('CHARSET ')) {
    // RFC 6855 section 3: there is one character set left.
    if (args.isUtf8) throw new SyntaxFault('CHARSET is not needed any more')
    parseCharset(args)
    args.space()
  }
  const keys = new KeyParser(args, limits).keys(() => args.isAtEnd, 0)
  return keys.length === 1 ? (keys[0] as SearchKey) : { kind: 'and', keys }
}

/** `search-criteria` of SORT and THREAD, which name a character set in any case (RFC 5256 section 5). @throws UnknownCharset */
export function parseSearchCriteria(args: Arguments, limits: SearchLimits): SearchKey {
  parseCharset(args)
  args.space()
  return parseSearch(args, limits)
}

function parseCharset(args: Arguments): void {
  const charset = args.astring().toUpperCase()
  if (!SEARCH_CHARSETS.some((known) => known === charset)) throw new UnknownCharset(charset)
}

const not = (key: SearchKey): SearchKey => ({ kind: 'not', key })
const flag = (name: string): SearchKey => ({ kind: 'flag', flag: name.toLowerCase() })

/** Keys without arguments. */
const BARE: ReadonlyMap<string, SearchKey> = new Map<string, SearchKey>([
  ['ALL', { kind: 'all' }],
  ['ANSWERED', flag('\\Answered')],
  ['DELETED', flag('\\Deleted')],
  ['DRAFT', flag('\\Draft')],
  ['FLAGGED', flag('\\Flagged')],
  ['SEEN', flag('\\Seen')],
  ['UNANSWERED', not(flag('\\Answered'))],
  ['UNDELETED', not(flag('\\Deleted'))],
  ['UNDRAFT', not(flag('\\Draft'))],
  ['UNFLAGGED', not(flag('\\Flagged'))],
  ['UNSEEN', not(flag('\\Seen'))],
  ['RECENT', { kind: 'recent' }],
  ['OLD', not({ kind: 'recent' })],
  ['NEW', { kind: 'and', keys: [{ kind: 'recent' }, not(flag('\\Seen'))] }],
])

const DATES: ReadonlyMap<string, { kind: 'arrived' | 'sent'; relation: Relation }> = new Map([
  ['BEFORE', { kind: 'arrived', relation: 'before' }],
  ['ON', { kind: 'arrived', relation: 'on' }],
  ['SINCE', { kind: 'arrived', relation: 'since' }],
  ['SENTBEFORE', { kind: 'sent', relation: 'before' }],
  ['SENTON', { kind: 'sent', relation: 'on' }],
  ['SENTSINCE', { kind: 'sent', relation: 'since' }],
])

const SAVE_DATES: ReadonlyMap<string, Relation> = new Map([
  ['SAVEDBEFORE', 'before'],
  ['SAVEDON', 'on'],
  ['SAVEDSINCE', 'since'],
])

const FIELDS: ReadonlyMap<string, EnvelopeField> = new Map([
  ['BCC', 'bcc'],
  ['CC', 'cc'],
  ['FROM', 'from'],
  ['SUBJECT', 'subject'],
  ['TO', 'to'],
])

class KeyParser {
  readonly #args: Arguments
  readonly #limits: SearchLimits
  #count = 0

  constructor(args: Arguments, limits: SearchLimits) {
    this.#args = args
    this.#limits = limits
  }

  /** Keys with a space between, until `isDone`. */
  keys(isDone: () => boolean, depth: number): SearchKey[] {
    const keys = [this.#key(depth)]
    while (!isDone()) {
      this.#args.space()
      keys.push(this.#key(depth))
    }
    return keys
  }

  #key(depth: number): SearchKey {
    const args = this.#args
    this.#count += 1
    if (this.#count > this.#limits.items || depth > this.#limits.searchDepth) {
      throw new SyntaxFault('Search is too complex')
    }
    if (/[\d*$]/.test(args.next)) return { kind: 'sequence', set: parseSequenceSet(args) }
    if (args.skip('(')) {
      const keys = this.keys(() => args.next === ')', depth + 1)
      args.expect(')')
      return { kind: 'and', keys }
    }
    return this.#named(args.word(), depth)
  }

  #named(name: string, depth: number): SearchKey {
    if (!this.#args.knows(`SEARCH ${name}`)) throw new SyntaxFault('No such search key')
    const bare = BARE.get(name)
    if (bare !== undefined) return bare
    const args = this.#args
    const argument = <T>(read: () => T): T => {
      args.space()
      return read()
    }
    const date = DATES.get(name)
    if (date !== undefined) return { ...date, day: argument(() => parseDate(args)) }
    const saved = SAVE_DATES.get(name)
    if (saved !== undefined) return { kind: 'saved', relation: saved, day: argument(() => parseDate(args)) }
    const field = FIELDS.get(name)
    if (field !== undefined) return { kind: 'envelope', field, text: argument(() => this.#text()) }
    switch (name) {
      case 'HEADER': {
        const field = argument(() => args.astring().toLowerCase())
        return { kind: 'header', field, text: argument(() => this.#text()) }
      }
      case 'BODY':
        return { kind: 'body', text: argument(() => this.#text()) }
      case 'TEXT':
        return { kind: 'text', text: argument(() => this.#text()) }
      case 'KEYWORD':
        return flag(argument(() => args.atom()))
      case 'UNKEYWORD':
        return not(flag(argument(() => args.atom())))
      case 'LARGER':
        return { kind: 'larger', octets: argument(() => args.number(true)) }
      case 'SMALLER':
        return { kind: 'smaller', octets: argument(() => args.number(true)) }
      case 'UID':
        return { kind: 'uid', set: argument(() => parseSequenceSet(args)) }
      case 'NOT':
        return not(argument(() => this.#key(depth + 1)))
      case 'OR': {
        const first = argument(() => this.#key(depth + 1))
        return { kind: 'or', keys: [first, argument(() => this.#key(depth + 1))] }
      }
      case 'FUZZY':
        return { kind: 'fuzzy', key: fuzzed(argument(() => this.#key(depth + 1))) }
      case 'UIDAFTER':
        return { kind: 'uid', set: after(argument(() => args.number())) }
      case 'UIDBEFORE':
        return { kind: 'uid', set: before(argument(() => args.number())) }
      case 'MODSEQ':
        return this.#modSeq()
      case 'YOUNGER':
      case 'OLDER':
        return { kind: name === 'YOUNGER' ? 'younger' : 'older', seconds: argument(() => this.#interval()) }
      case 'SAVEDATESUPPORTED':
        // RFC 8514 section 4.3: of every mailbox here.
        return { kind: 'all' }
      case 'EMAILID':
        return { kind: 'emailid', id: argument(() => args.atom()) }
      case 'THREADID':
        return { kind: 'threadid', id: argument(() => args.atom()) }
      default:
        throw new SyntaxFault('No such search key')
    }
  }

  /** RFC 5032 section 2: an interval of nothing is no interval. */
  #interval(): number {
    const seconds = this.#args.number()
    if (seconds === 0) throw new SyntaxFault('Interval expected')
    return seconds
  }

  #text(): string {
    const octets: Octets = this.#args.astring()
    return utf8Of(octets)
  }

  /** RFC 7162 section 3.1.5: an entry name and type may stand before the number; all flags share one mod-sequence. */
  #modSeq(): SearchKey {
    this.#args.space()
    if (this.#args.next === '"') {
      this.#args.string()
      this.#args.space()
      if (!['all', 'priv', 'shared'].includes(this.#args.atom().toLowerCase()))
        throw new SyntaxFault('Invalid entry type')
      this.#args.space()
    }
    return { kind: 'modseq', modSeq: this.#args.number(true) }
  }
}

/** RFC 6203 section 5: of other conditions than those of text nothing is nearly met. */
function fuzzed(key: SearchKey): SearchKey {
  switch (key.kind) {
    case 'not':
      return { kind: 'not', key: fuzzed(key.key) }
    case 'and':
    case 'or':
      return { kind: key.kind, keys: key.keys.map(fuzzed) }
    case 'envelope':
    case 'header':
    case 'body':
    case 'text':
      return { ...key, isFuzzy: true }
    default:
      return key
  }
}

const MAX_UID = 0xffffffff

/** RFC 9738 section 3.2: UIDs beyond one, and below one; none of them is a set without a range. */
const after = (uid: number): SequenceSet => (uid >= MAX_UID ? [] : [[uid + 1, MAX_UID]])
const before = (uid: number): SequenceSet => (uid <= 1 ? [] : [[1, uid - 1]])
