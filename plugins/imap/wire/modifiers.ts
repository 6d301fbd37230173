import type { Arguments } from './arguments.ts'
import { type PartialRange, parsePartialRange } from './return-options.ts'
import { parseSequenceSet, type SequenceSet } from './sequence-set.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** What stands in parentheses behind FETCH's items (RFC 7162 section 3.1.4, 3.2.6). */
export interface FetchModifiers {
  readonly changedSince?: number
  readonly vanished: boolean
  /** A window of the messages named (RFC 9394 section 3.3). */
  readonly partial?: PartialRange
}

/** SELECT's parameters (RFC 7162 sections 3.1.8, 3.2.5). */
export interface SelectParameters {
  readonly isCondstore: boolean
  readonly qresync?: QresyncParameters
}

export interface QresyncParameters {
  readonly uidValidity: number
  readonly modSeq: number
  /** UIDs the client knows; all when absent. */
  readonly known?: SequenceSet
  /** Message numbers stand beside them. */
  readonly hasNumbers: boolean
}

export function parseFetchModifiers(args: Arguments): FetchModifiers {
  if (!args.skip(' ')) return { vanished: false }
  let changedSince: number | undefined
  let vanished = false
  let partial: PartialRange | undefined
  args.list(() => {
    const name = args.word()
    if (!args.knows(`FETCH ${name}`)) throw new SyntaxFault('No such modifier of FETCH')
    if (name === 'VANISHED') vanished = true
    else if (name === 'CHANGEDSINCE') {
      args.space()
      changedSince = args.number(true)
    } else if (name === 'PARTIAL') {
      args.space()
      partial = parsePartialRange(args)
    } else throw new SyntaxFault('No such modifier of FETCH')
  })
  return { vanished, ...(changedSince !== undefined && { changedSince }), ...(partial && { partial }) }
}

/** `(UNCHANGEDSINCE n) ` in front of STORE's flags (RFC 7162 section 3.1.3). */
export function parseStoreModifier(args: Arguments): number | undefined {
  if (args.next !== '(') return undefined
  let unchangedSince: number | undefined
  args.list(() => {
    if (args.word() !== 'UNCHANGEDSINCE' || !args.knows('STORE UNCHANGEDSINCE'))
      throw new SyntaxFault('No such modifier of STORE')
    args.space()
    unchangedSince = args.number(true)
  })
  args.space()
  return unchangedSince
}

export function parseSelectParameters(args: Arguments): SelectParameters {
  if (!args.skip(' ')) return { isCondstore: false }
  let isCondstore = false
  let qresync: QresyncParameters | undefined
  args.list(() => {
    const name = args.word()
    if (!args.knows(`SELECT ${name}`)) throw new SyntaxFault('No such parameter of SELECT')
    if (name === 'CONDSTORE') isCondstore = true
    else if (name === 'QRESYNC') {
      args.space()
      qresync = parseQresync(args)
    } else throw new SyntaxFault('No such parameter of SELECT')
  })
  return qresync === undefined ? { isCondstore } : { isCondstore, qresync }
}

function parseQresync(args: Arguments): QresyncParameters {
  args.expect('(')
  const uidValidity = args.number()
  args.space()
  const modSeq = args.number(true)
  let known: SequenceSet | undefined
  let hasNumbers = false
  if (args.skip(' ')) {
    if (args.next !== '(') known = parseSequenceSet(args)
    // Which numbers the client thinks they have: only a shortcut for servers that have forgotten what vanished.
    hasNumbers = known === undefined || args.skip(' ')
    if (hasNumbers) skipSequenceMatch(args)
  }
  args.expect(')')
  return { uidValidity, modSeq, hasNumbers, ...(known && { known }) }
}

function skipSequenceMatch(args: Arguments): void {
  args.expect('(')
  parseSequenceSet(args)
  args.space()
  parseSequenceSet(args)
  args.expect(')')
}
