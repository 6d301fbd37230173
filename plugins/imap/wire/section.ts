import type { Arguments } from './arguments.ts'
import { consistsOf } from './characters.ts'
import { formatString } from './strings.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** What of a message or part BODY[…] asks for (RFC 3501 section 6.4.5). */
export interface Section {
  /** Part numbers from the outside in; empty for the message itself. */
  readonly path: readonly number[]
  readonly what: 'all' | 'header' | 'text' | 'mime' | 'fields' | 'fields-not'
  /** Header field names as given; for `fields` and `fields-not`. */
  readonly fields: readonly string[]
}

export const WHOLE: Section = { path: [], what: 'all', fields: [] }
export const HEADER: Section = { path: [], what: 'header', fields: [] }
export const TEXT: Section = { path: [], what: 'text', fields: [] }

const PATH = /\d+(?:\.\d+)*/y
const MAX_DEPTH = 100

/** Reads from after `[` to after `]`. */
export function parseSection(args: Arguments): Section {
  const path = (args.match(PATH) ?? '').split('.').filter(Boolean).map(partNumber)
  if (path.length > MAX_DEPTH) throw new SyntaxFault('Section is too deep')
  if (args.skip(']')) return { path, what: 'all', fields: [] }
  if (path.length > 0) args.expect('.')
  const section = parseText(args, path)
  args.expect(']')
  return section
}

function parseText(args: Arguments, path: readonly number[]): Section {
  const name = args.name()
  if (name === 'HEADER') return { path, what: 'header', fields: [] }
  if (name === 'TEXT') return { path, what: 'text', fields: [] }
  if (name === 'MIME' && path.length > 0) return { path, what: 'mime', fields: [] }
  if (name !== 'HEADER.FIELDS' && name !== 'HEADER.FIELDS.NOT') throw new SyntaxFault('No such section')
  args.space()
  const fields = args.list(() => args.astring())
  if (fields.length === 0) throw new SyntaxFault('Header field name expected')
  return { path, what: name === 'HEADER.FIELDS' ? 'fields' : 'fields-not', fields }
}

function partNumber(text: string): number {
  const value = Number(text)
  if (value === 0 || value > 0xffffffff) throw new SyntaxFault('Invalid part number')
  return value
}

const NAMES: Readonly<Record<Section['what'], string>> = {
  all: '',
  header: 'HEADER',
  text: 'TEXT',
  mime: 'MIME',
  fields: 'HEADER.FIELDS',
  'fields-not': 'HEADER.FIELDS.NOT',
}

/** The section as it stands between the brackets of a response. */
export function formatSection(section: Section): string {
  const name = [...section.path, NAMES[section.what]].filter((step) => step !== '').join('.')
  if (section.fields.length === 0) return name
  return `${name} (${section.fields.map((field) => (consistsOf('astring', field) ? field : formatString(field))).join(' ')})`
}
