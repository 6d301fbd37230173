import type { Arguments } from './arguments.ts'
import { mailboxText } from './mailbox-name.ts'
import { type EntryName, parseEntries } from './metadata-entries.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** Characters of all patterns, each with its reference. Matching costs pattern times name. */
const MAX_PATTERN = 1000
const MAX_PATTERNS = 20

/** What a LIST asks for (RFC 3501 section 6.3.8; RFC 5258 section 6; RFC 5819; RFC 6154 section 5). */
export interface ListRequest {
  readonly reference: string
  readonly patterns: readonly string[]
  /** Any option, or several patterns: then the rules of RFC 5258 hold. */
  readonly isExtended: boolean
  readonly selectsSubscribed: boolean
  readonly selectsSpecialUse: boolean
  readonly isRecursive: boolean
  readonly returnsSubscribed: boolean
  readonly returnsRights: boolean
  /** Annotations that are told of each mailbox (RFC 9590). */
  readonly metadata?: readonly EntryName[]
  /** Items of a STATUS response for each mailbox. */
  readonly status?: readonly string[]
}

const SELECTIONS: ReadonlySet<string> = new Set(['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'])
const RETURNS: ReadonlySet<string> = new Set([
  'SUBSCRIBED',
  'CHILDREN',
  'SPECIAL-USE',
  'STATUS',
  'MYRIGHTS',
  'METADATA',
])

/** @param readStatusItems reads the items of STATUS in parentheses */
export function parseListRequest(
  args: Arguments,
  readStatusItems: (args: Arguments) => readonly string[],
): ListRequest {
  args.space()
  const selections = args.next === '(' ? parseSelections(args) : undefined
  const reference = mailboxText(args.astring(), args.isUtf8)
  args.space()
  const isMany = args.next === '('
  const patterns = isMany
    ? args.list(() => mailboxText(args.listMailbox(), args.isUtf8))
    : [mailboxText(args.listMailbox(), args.isUtf8)]
  checkLength(reference, patterns)
  if (patterns.length > MAX_PATTERNS) throw new SyntaxFault('Too many patterns')
  const returns = parseReturns(args, readStatusItems)
  args.end()
  const isExtended = isMany || selections !== undefined || returns !== undefined
  if (isExtended && !args.knows('LIST EXTENDED')) throw new SyntaxFault('Name and pattern expected')
  return {
    reference,
    patterns,
    isExtended,
    selectsSubscribed: selections?.has('SUBSCRIBED') ?? false,
    selectsSpecialUse: selections?.has('SPECIAL-USE') ?? false,
    isRecursive: selections?.has('RECURSIVEMATCH') ?? false,
    returnsSubscribed: returns?.names.has('SUBSCRIBED') ?? false,
    returnsRights: returns?.names.has('MYRIGHTS') ?? false,
    ...(returns?.metadata && { metadata: returns.metadata }),
    ...(returns?.status && { status: returns.status }),
  }
}

export function parseReferenceAndPattern(args: Arguments): { readonly reference: string; readonly pattern: string } {
  args.space()
  const reference = mailboxText(args.astring(), args.isUtf8)
  args.space()
  const pattern = mailboxText(args.listMailbox(), args.isUtf8)
  args.end()
  checkLength(reference, [pattern])
  return { reference, pattern }
}

function parseSelections(args: Arguments): ReadonlySet<string> {
  const selections = new Set(args.list(() => args.word()))
  args.space()
  for (const name of selections)
    if (!SELECTIONS.has(name) || !args.knows(`LIST ${name}`)) throw new SyntaxFault('No such selection option')
  // RFC 5258 section 3.1: it needs an option of which it finds the parents.
  if (selections.has('RECURSIVEMATCH') && !selections.has('SUBSCRIBED') && !selections.has('SPECIAL-USE')) {
    throw new SyntaxFault('RECURSIVEMATCH needs another selection option')
  }
  return selections
}

function parseReturns(
  args: Arguments,
  readStatusItems: (args: Arguments) => readonly string[],
):
  | {
      readonly names: ReadonlySet<string>
      readonly status: readonly string[] | undefined
      readonly metadata: readonly EntryName[] | undefined
    }
  | undefined {
  if (!args.skip(' ')) return undefined
  if (!args.skipWord('RETURN ')) throw new SyntaxFault('RETURN expected')
  let status: readonly string[] | undefined
  let metadata: readonly EntryName[] | undefined
  const names = args.list(() => {
    const name = args.word()
    if (!RETURNS.has(name) || !args.knows(`LIST ${name}`)) throw new SyntaxFault('No such return option')
    if (name === 'STATUS') {
      args.space()
      status = readStatusItems(args)
    } else if (name === 'METADATA') {
      args.space()
      metadata = parseEntries(args)
    }
    return name
  })
  return { names: new Set(names), status, metadata }
}

function checkLength(reference: string, patterns: readonly string[]): void {
  const length = patterns.reduce((sum, pattern) => sum + reference.length + pattern.length, 0)
  if (length > MAX_PATTERN) throw new SyntaxFault('Pattern is too long')
}
