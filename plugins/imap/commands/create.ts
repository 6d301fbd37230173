import { HIERARCHY_SEPARATOR, type SpecialUse } from 'mailserver'
import { command, LOGGED_IN, only } from '../command.ts'
import { no, ok } from '../completion.ts'
import type { Arguments } from '../wire/arguments.ts'
import { parseMailbox } from '../wire/mailbox-name.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

/** Uses a mailbox may be created with. `\All` and `\Flagged` are views of other mailboxes' messages, which ours are not. */
const USES: ReadonlyMap<string, SpecialUse> = new Map([
  ['\\ARCHIVE', 'archive'],
  ['\\DRAFTS', 'drafts'],
  ['\\JUNK', 'junk'],
  ['\\SENT', 'sent'],
  ['\\TRASH', 'trash'],
])

/** RFC 3501 section 6.3.3; USE is of RFC 6154 section 3. */
export const create = command({
  name: 'CREATE',
  states: LOGGED_IN,
  parse(args) {
    args.space()
    const name = parseMailbox(args)
    const uses = args.skip(' ') ? parseUses(args) : []
    args.end()
    return { name, uses }
  },
  async run({ name, uses }, session) {
    const { store } = session.services
    const [use, ...more] = uses
    const specialUse = use === undefined ? undefined : USES.get(use)
    if (more.length > 0 || (use !== undefined && specialUse === undefined)) return no('No such use here', 'USEATTR')
    if (specialUse !== undefined) {
      const taken = (await store.mailboxes(session.account)).some((mailbox) => mailbox.specialUse === specialUse)
      if (taken) return no('Another mailbox has this use', 'USEATTR')
    }
    // A trailing separator says that names will be created under this one: a mailbox can have them in any case.
    const bare = name.endsWith(HIERARCHY_SEPARATOR) ? name.slice(0, -1) : name
    await store.createMailbox(session.account, bare, specialUse === undefined ? {} : { specialUse })
    return ok('Created')
  },
})

function parseUses(args: Arguments): readonly string[] {
  args.expect('(')
  if (!args.skipWord('USE ')) throw new SyntaxFault('No such parameter of CREATE')
  const uses = args.list(() => {
    args.expect('\\')
    return `\\${args.word()}`
  })
  args.expect(')')
  if (uses.length === 0) throw new SyntaxFault('Use expected')
  return uses
}

/** RFC 3501 section 6.3.4. */
export const deleteCommand = command({
  name: 'DELETE',
  states: LOGGED_IN,
  parse: (args) => only(args, parseMailbox),
  async run(name, session) {
    const { store } = session.services
    const mailbox = await store.mailbox(session.account, name)
    await store.deleteMailbox(session.account, name)
    if (session.view?.mailbox.id === mailbox.id) session.select(undefined)
    return ok('Deleted')
  },
})

/** RFC 3501 section 6.3.5. */
export const rename = command({
  name: 'RENAME',
  states: LOGGED_IN,
  parse(args) {
    args.space()
    const from = parseMailbox(args)
    args.space()
    const to = parseMailbox(args)
    args.end()
    return { from, to }
  },
  async run({ from, to }, session) {
    await session.services.store.renameMailbox(session.account, from, to)
    await session.view?.mirror.refresh()
    return ok('Renamed')
  },
})
