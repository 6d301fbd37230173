import type { Arguments } from './arguments.ts'
import { formatString } from './strings.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** The name of an annotation (RFC 5464 section 3.2), in lower case: names are compared without case. */
export interface EntryName {
  readonly scope: 'private' | 'shared'
  /** What follows the scope: empty, or beginning with `/`. */
  readonly name: string
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: section 3.2 allows those from 0x1a on
const ENTRY = /^\/(private|shared)((?:\/[\u001a-\u0024\u0026-\u0029\u002b-\u002e\u0030-\u007e]+)*)$/i
const MAX_LENGTH = 1000
const MAX_ENTRIES = 100

/** @throws SyntaxFault: a name that is none is BAD in every command (section 3.2) */
export function parseEntry(args: Arguments): EntryName {
  const match = ENTRY.exec(args.astring())
  if (match === null || match[0].length > MAX_LENGTH) throw new SyntaxFault('Not a possible entry name')
  return { scope: (match[1] as string).toLowerCase() as EntryName['scope'], name: (match[2] as string).toLowerCase() }
}

/** One entry, or several in parentheses. */
export function parseEntries(args: Arguments): readonly EntryName[] {
  const entries = args.next === '(' ? args.list(() => parseEntry(args)) : [parseEntry(args)]
  if (entries.length === 0) throw new SyntaxFault('Entry expected')
  if (entries.length > MAX_ENTRIES) throw new SyntaxFault('Too many entries')
  return entries
}

/** Section 3.2: two levels at least, and four below `vendor`. */
export function isSettable({ name }: EntryName): boolean {
  const levels = name.split('/').length
  return levels >= (name === '/vendor' || name.startsWith('/vendor/') ? 4 : 2)
}

export const formatEntry = ({ scope, name }: EntryName): string => `/${scope}${name}`

const ATOM = /^[!#$&'+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+$/

/** Name and value as METADATA has them; the value of one that is not there is NIL. */
export function formatEntryValue(entry: EntryName, value: Buffer | undefined): string {
  return `${formatEntryName(entry)} ${value === undefined ? 'NIL' : formatValue(value)}`
}

export function formatEntryName(entry: EntryName): string {
  const text = formatEntry(entry)
  return ATOM.test(text) ? text : formatString(text)
}

/** nstring / literal8 (section 5): NUL goes in the latter alone. */
function formatValue(value: Buffer): string {
  const octets = value.toString('latin1')
  return value.includes(0) ? `~{${value.length}}\r\n${octets}` : formatString(octets)
}
