import { HIERARCHY_SEPARATOR, type SpecialUse } from 'mailserver'
import { command, LOGGED_IN, only } from '../command.ts'
import { no, ok } from '../completion.ts'
import type { MailboxPlace } from '../mailbox-access.ts'
import { formatMailboxId } from '../object-ids.ts'
import type { Session } from '../session.ts'
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
    // A trailing separator says that names will be created under this one: a mailbox can have them in any case.
    const bare = name.endsWith(HIERARCHY_SEPARATOR) ? name.slice(0, -1) : name
    const place = await session.mailboxes.placeToCreate(bare)
    const { account, kind } = place.namespace
    if (specialUse !== undefined) {
      if (kind !== 'personal') return no('Uses are for personal mailboxes', 'USEATTR')
      const taken = (await store.mailboxes(account)).some((mailbox) => mailbox.specialUse === specialUse)
      if (taken) return no('Another mailbox has this use', 'USEATTR')
    }
    const { id } = await store.createMailbox(account, place.name, specialUse === undefined ? {} : { specialUse })
    session.changedName(bare)
    return ok('Created', session.offer.has('OBJECTID') ? `MAILBOXID (${formatMailboxId(account, id)})` : undefined)
  },
})

function parseUses(args: Arguments): readonly string[] {
  args.expect('(')
  if (!args.knows('CREATE USE') || !args.skipWord('USE ')) throw new SyntaxFault('No such parameter of CREATE')
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
    const { account, mailbox } = await session.mailboxes.reach(name, 'x')
    await store.deleteMailbox(account, mailbox.name)
    const { view } = session
    if (view?.mirror.account === account && view.mailbox.id === mailbox.id) session.select(undefined)
    session.changedName(name)
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
    const source = await placeToRename(session, from)
    const target = await session.mailboxes.placeToCreate(to)
    if (source.namespace.account !== target.namespace.account) return no('Mailboxes stay with their owner', 'CANNOT')
    await session.services.store.renameMailbox(source.namespace.account, source.name, target.name)
    await session.view?.mirror.refresh()
    session.changedName(to)
    return ok('Renamed')
  },
})

/** A level without a mailbox of its own can be renamed too, by its owner (RFC 3501 section 6.3.5). @throws NoPermission, MailError */
async function placeToRename({ mailboxes }: Session, name: string): Promise<MailboxPlace> {
  const place = await mailboxes.placeOf(name)
  if (place?.namespace.kind === 'personal') return place
  const { namespace, mailbox } = await mailboxes.reach(name, 'x')
  return { namespace, name: mailbox.name }
}
