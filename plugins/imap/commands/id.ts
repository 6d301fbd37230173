import { capabilityText } from '../capabilities.ts'
import { ANY_STATE, command, only } from '../command.ts'
import { ok } from '../completion.ts'
import type { Arguments } from '../wire/arguments.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

/** RFC 2971 section 3.3. */
const MAX_FIELDS = 30
const MAX_NAME = 30
const MAX_VALUE = 1024
/** The fields that are logged: what a person needs to tell a buggy client. */
const LOGGED: ReadonlySet<string> = new Set(['name', 'version', 'os', 'os-version', 'vendor'])

type Fields = ReadonlyMap<string, string | undefined>

/** RFC 2971 section 3.1. The server says no more than its name: a version helps those who look for holes. */
export const id = command({
  name: 'ID',
  states: ANY_STATE,
  updates: 'no-expunge',
  parse: (args) => only(args, parseFields),
  async run(fields, session) {
    const known = [...fields].filter(([name, value]) => LOGGED.has(name) && value !== undefined)
    if (known.length > 0) session.log.info({ client: Object.fromEntries(known) }, 'client identified itself')
    session.out.untagged('ID ("name" "mailserver")')
    // RFC 3501 section 7.2.1: whoever has asked before learns that the answer has changed.
    if (session.identify(fields)) session.out.untagged(capabilityText(session))
    return ok('ID completed')
  },
})

function parseFields(args: Arguments): Fields {
  const fields = new Map<string, string | undefined>()
  if (args.next !== '(') {
    if (args.nstring() !== undefined) throw new SyntaxFault('List or NIL expected')
    return fields
  }
  args.list(() => {
    const name = args.string().toLowerCase()
    args.space()
    const value = args.nstring()
    if (name.length > MAX_NAME || (value?.length ?? 0) > MAX_VALUE) throw new SyntaxFault('Field is too long')
    if (fields.has(name)) throw new SyntaxFault('Field stands twice')
    fields.set(name, value)
    if (fields.size > MAX_FIELDS) throw new SyntaxFault('Too many fields')
  })
  return fields
}
