import { HIERARCHY_SEPARATOR, type Mailbox, type SpecialUse } from 'mailserver'
import { type Command, command, LOGGED_IN } from '../command.ts'
import { ok } from '../completion.ts'
import type { Session } from '../session.ts'
import type { Arguments } from '../wire/arguments.ts'
import { ListPattern, parentsOf } from '../wire/list-pattern.ts'
import { formatMailbox } from '../wire/mailbox-name.ts'
import { decodeModifiedUtf7 } from '../wire/modified-utf7.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

/** Characters; no name is longer. Matching costs pattern times name. */
const MAX_PATTERN = 1000

interface Listing {
  readonly reference: string
  readonly pattern: string
}

/** RFC 3501 section 6.3.8, with the attributes of RFC 3348 and RFC 6154. */
export const list: Command = command({ name: 'LIST', states: LOGGED_IN, parse, run: runList })
/** RFC 3501 section 6.3.9. */
export const lsub: Command = command({ name: 'LSUB', states: LOGGED_IN, parse, run: runLsub })

const USES: Readonly<Record<SpecialUse, string>> = {
  all: '\\All',
  archive: '\\Archive',
  drafts: '\\Drafts',
  flagged: '\\Flagged',
  junk: '\\Junk',
  sent: '\\Sent',
  trash: '\\Trash',
}

function parse(args: Arguments): Listing {
  args.space()
  const reference = decoded(args.astring())
  args.space()
  const pattern = decoded(args.listMailbox())
  args.end()
  if (reference.length + pattern.length > MAX_PATTERN) throw new SyntaxFault('Pattern is too long')
  return { reference, pattern }
}

function decoded(octets: string): string {
  const text = decodeModifiedUtf7(octets)
  if (text === undefined) throw new SyntaxFault('Mailbox name is not in modified UTF-7')
  return text
}

async function runList({ reference, pattern }: Listing, session: Session) {
  const { out } = session
  if (pattern === '') {
    // RFC 3501 section 6.3.8: an empty name asks for the separator and the root.
    out.untagged(`LIST (\\Noselect) "${HIERARCHY_SEPARATOR}" ""`)
    return ok('List completed')
  }
  const mailboxes = await session.services.store.mailboxes(session.account)
  const names = new Map(mailboxes.map((mailbox) => [mailbox.name, mailbox]))
  const parents = new Set(mailboxes.flatMap(({ name }) => parentsOf(name)))
  const wanted = new ListPattern(reference, pattern)
  for (const mailbox of mailboxes) {
    if (!wanted.matches(mailbox.name)) continue
    out.untagged(`LIST (${attributes(mailbox, parents)}) "${HIERARCHY_SEPARATOR}" ${formatMailbox(mailbox.name)}`)
    if (out.isFull) await out.room()
  }
  // A level without a mailbox of its own, whose children live on.
  for (const name of parents) {
    if (names.has(name) || !wanted.matches(name)) continue
    out.untagged(`LIST (\\Noselect \\HasChildren) "${HIERARCHY_SEPARATOR}" ${formatMailbox(name)}`)
  }
  return ok('List completed')
}

function attributes(mailbox: Mailbox, parents: ReadonlySet<string>): string {
  const children = parents.has(mailbox.name) ? '\\HasChildren' : '\\HasNoChildren'
  return mailbox.specialUse === undefined ? children : `${children} ${USES[mailbox.specialUse]}`
}

async function runLsub({ reference, pattern }: Listing, session: Session) {
  const { out, services, account } = session
  const wanted = new ListPattern(reference, pattern)
  const [subscribed, mailboxes] = await Promise.all([
    services.store.subscriptions(account),
    services.store.mailboxes(account),
  ])
  const existing = new Set(mailboxes.map(({ name }) => name))
  const names = new Set(subscribed)
  for (const name of subscribed) {
    if (!wanted.matches(name)) continue
    // RFC 3501 section 6.3.9: a name that cannot be selected says so.
    out.untagged(`LSUB (${existing.has(name) ? '' : '\\Noselect'}) "${HIERARCHY_SEPARATOR}" ${formatMailbox(name)}`)
    if (out.isFull) await out.room()
  }
  if (wanted.endsWithLevel) {
    for (const name of new Set(subscribed.flatMap(parentsOf))) {
      if (names.has(name) || !wanted.matches(name)) continue
      out.untagged(`LSUB (\\Noselect) "${HIERARCHY_SEPARATOR}" ${formatMailbox(name)}`)
    }
  }
  return ok('Lsub completed')
}
