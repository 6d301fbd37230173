import type { Arguments } from './arguments.ts'
import { parseMailbox } from './mailbox-name.ts'
import { type EntryName, isSettable, parseEntries, parseEntry } from './metadata-entries.ts'
import { SyntaxFault } from './syntax-fault.ts'

export interface GetMetadata {
  /** Empty: the server's. */
  readonly mailbox: string
  readonly entries: readonly EntryName[]
  readonly depth: number
  readonly maxSize: number
}

export interface SetMetadata {
  readonly mailbox: string
  readonly values: readonly { readonly entry: EntryName; readonly value: Buffer | undefined }[]
}

const MAX_VALUES = 100

/** The options stand in front of the mailbox (RFC 5464 section 5), or behind it, as its examples have them. */
export function parseGetMetadata(args: Arguments): GetMetadata {
  args.space()
  let options = args.next === '(' ? parseOptions(args) : undefined
  if (options !== undefined) args.space()
  const mailbox = parseMailbox(args)
  args.space()
  if (options === undefined && args.looksLike(OPTION)) {
    options = parseOptions(args)
    args.space()
  }
  const entries = [...parseEntries(args)]
  // Several without parentheses: an example of section 4.4.1.
  while (args.skip(' ')) entries.push(parseEntry(args))
  args.end()
  return { mailbox, entries, ...(options ?? NO_OPTIONS) }
}

export function parseSetMetadata(args: Arguments): SetMetadata {
  args.space()
  const mailbox = parseMailbox(args)
  args.space()
  const values = args.list(() => {
    const entry = parseEntry(args)
    if (!isSettable(entry)) throw new SyntaxFault('Not a possible entry name')
    args.space()
    const octets = args.nstring()
    return { entry, value: octets === undefined ? undefined : Buffer.from(octets, 'latin1') }
  })
  args.end()
  if (values.length === 0) throw new SyntaxFault('Entry expected')
  if (values.length > MAX_VALUES) throw new SyntaxFault('Too many entries')
  return { mailbox, values }
}

const OPTION = /\([A-Za-z]/y
const DEPTHS: ReadonlyMap<string, number> = new Map([
  ['0', 0],
  ['1', 1],
  ['INFINITY', Number.POSITIVE_INFINITY],
])
const NO_OPTIONS = { depth: 0, maxSize: Number.POSITIVE_INFINITY }

function parseOptions(args: Arguments): { readonly depth: number; readonly maxSize: number } {
  let { depth, maxSize } = NO_OPTIONS
  args.list(() => {
    const name = args.word()
    args.space()
    if (name === 'MAXSIZE') maxSize = args.number()
    else if (name === 'DEPTH') {
      const given = DEPTHS.get(args.word())
      if (given === undefined) throw new SyntaxFault('0, 1 or infinity expected')
      depth = given
    } else throw new SyntaxFault('No such option')
  })
  return { depth, maxSize }
}
