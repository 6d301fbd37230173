import type { Arguments } from './arguments.ts'
import { formatSection, HEADER, parseSection, type Section, TEXT, WHOLE } from './section.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** A data item that needs no octets of the message. */
export type PlainItem =
  | 'UID'
  | 'FLAGS'
  | 'INTERNALDATE'
  | 'RFC822.SIZE'
  | 'MODSEQ'
  | 'ENVELOPE'
  | 'BODY'
  | 'BODYSTRUCTURE'
  | 'PREVIEW'
  | 'EMAILID'
  | 'THREADID'
  | 'SAVEDATE'

export interface SectionItem {
  readonly section: Section
  /** `<offset.length>` of the section's octets. */
  readonly partial?: { readonly offset: number; readonly length: number }
  /** BINARY: without its content transfer encoding; or the size of that (RFC 3516). */
  readonly decoded?: 'octets' | 'size'
  /** False when fetching it sets `\Seen`. */
  readonly isPeek: boolean
  /** Name of the item in the response, e.g. `BODY[1.MIME]<0>`. */
  readonly label: string
}

export type FetchItem = PlainItem | SectionItem

const PLAIN: ReadonlySet<string> = new Set<PlainItem>([
  'UID',
  'FLAGS',
  'INTERNALDATE',
  'RFC822.SIZE',
  'MODSEQ',
  'ENVELOPE',
  'BODY',
  'BODYSTRUCTURE',
  'PREVIEW',
  'EMAILID',
  'THREADID',
  'SAVEDATE',
])

const MACROS: ReadonlyMap<string, readonly PlainItem[]> = new Map([
  ['ALL', ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE']],
  ['FAST', ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE']],
  ['FULL', ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY']],
])

/** The two with PEEK are of RFC 1730 sections 6.4.5 and 7.3.3: Outlook sends them to IMAP4rev1 servers as well. */
const RFC822: ReadonlyMap<string, SectionItem> = new Map([
  ['RFC822', { section: WHOLE, isPeek: false, label: 'RFC822' }],
  ['RFC822.PEEK', { section: WHOLE, isPeek: true, label: 'RFC822' }],
  ['RFC822.HEADER', { section: HEADER, isPeek: true, label: 'RFC822.HEADER' }],
  ['RFC822.TEXT', { section: TEXT, isPeek: false, label: 'RFC822.TEXT' }],
  ['RFC822.TEXT.PEEK', { section: TEXT, isPeek: true, label: 'RFC822.TEXT' }],
])

/** A macro, one item, or a list of items; each item once, in the order given (RFC 3501 section 6.4.5). */
export function parseFetchItems(args: Arguments, maxItems: number): readonly FetchItem[] {
  if (args.next === '(') {
    const items = args.list(() => parseItem(args, args.name()))
    if (items.length === 0) throw new SyntaxFault('Nothing to fetch')
    if (items.length > maxItems) throw new SyntaxFault('Too many items to fetch')
    return distinct(items)
  }
  const name = args.name()
  return MACROS.get(name) ?? [parseItem(args, name)]
}

function parseItem(args: Arguments, name: string): FetchItem {
  if (args.next === '[' && (name === 'BODY' || name === 'BODY.PEEK')) return parseBody(args, name === 'BODY.PEEK')
  if (PLAIN.has(name) && args.knows(`FETCH ${name}`)) {
    // RFC 8970 section 3.2: ours are made at delivery, and there at once.
    if (name === 'PREVIEW' && args.match(MODIFIER_AHEAD) !== undefined) args.list(() => lazy(args))
    return name as PlainItem
  }
  if (args.next === '[' && BINARY.has(name) && args.knows('FETCH BINARY')) return parseBinary(args, name)
  const item = RFC822.get(name)
  if (item === undefined) throw new SyntaxFault('No such data item')
  return item
}

const MODIFIER_AHEAD = / (?=\()/y

function lazy(args: Arguments): void {
  if (args.word() !== 'LAZY') throw new SyntaxFault('No such modifier of PREVIEW')
}

const PARTIAL = /<(\d{1,10})\.(\d{1,10})>/y

function parseBody(args: Arguments, isPeek: boolean): SectionItem {
  args.expect('[')
  const section = parseSection(args)
  const label = `BODY[${formatSection(section)}]`
  if (args.next !== '<') return { section, isPeek, label }
  const partial = parsePartial(args)
  return { section, isPeek, label: `${label}<${partial.offset}>`, partial }
}

const BINARY: ReadonlySet<string> = new Set(['BINARY', 'BINARY.PEEK', 'BINARY.SIZE'])

/** RFC 3516 section 4.2: a part by its number, or the message; no header and no text of it. */
function parseBinary(args: Arguments, name: string): SectionItem {
  args.expect('[')
  const section = parseSection(args)
  if (section.what !== 'all') throw new SyntaxFault('Part number expected')
  const text = formatSection(section)
  if (name === 'BINARY.SIZE') return { section, isPeek: true, label: `BINARY.SIZE[${text}]`, decoded: 'size' }
  const item = { section, isPeek: name === 'BINARY.PEEK', label: `BINARY[${text}]`, decoded: 'octets' } as const
  if (args.next !== '<') return item
  const partial = parsePartial(args)
  return { ...item, label: `${item.label}<${partial.offset}>`, partial }
}

function parsePartial(args: Arguments): { readonly offset: number; readonly length: number } {
  const [offset, length] = (args.match(PARTIAL) ?? '').slice(1, -1).split('.').map(Number)
  if (offset === undefined || length === undefined || length === 0) throw new SyntaxFault('Invalid partial')
  return { offset, length }
}

function distinct(items: readonly FetchItem[]): readonly FetchItem[] {
  const byLabel = new Map<string, FetchItem>()
  for (const item of items) {
    const key = typeof item === 'string' ? item : `${item.label} ${item.partial?.length ?? ''} ${item.isPeek}`
    if (!byLabel.has(key)) byLabel.set(key, item)
  }
  return [...byLabel.values()]
}
