import { type AclChange, ALL_RIGHTS, type Rights } from 'mailserver'
import { type Identifier, identifierOf, parseIdentifier, subjectOf } from '../acl-identifiers.ts'
import { command, LOGGED_IN, only } from '../command.ts'
import { type Completion, no, ok } from '../completion.ts'
import type { Session } from '../session.ts'
import type { Arguments } from '../wire/arguments.ts'
import { parseMailbox } from '../wire/mailbox-name.ts'
import { formatRights, parseRightsChange, UNTIED_RIGHTS } from '../wire/rights.ts'
import { formatUtf8 } from '../wire/strings.ts'

const NOBODY = no('There is no such user', 'CANNOT')
const OWNER = no('The owner has every right', 'CANNOT')

/** RFC 4314 section 3.1. */
export const setAcl = command({
  name: 'SETACL',
  states: LOGGED_IN,
  parse(args) {
    const { name, identifier } = parseMailboxAndIdentifier(args)
    args.space()
    const change = parseRightsChange(args)
    args.end()
    return { name, identifier, change }
  },
  run: ({ name, identifier, change }, session) => changeEntry(session, name, identifier, change),
})

/** RFC 4314 section 3.2. */
export const deleteAcl = command({
  name: 'DELETEACL',
  states: LOGGED_IN,
  parse(args) {
    const parsed = parseMailboxAndIdentifier(args)
    args.end()
    return parsed
  },
  run: ({ name, identifier }, session) => changeEntry(session, name, identifier, { mode: 'replace', rights: '' }),
})

/** RFC 4314 section 3.3. The owner stands first, with every right. */
export const getAcl = command({
  name: 'GETACL',
  states: LOGGED_IN,
  parse: (args) => only(args, parseMailbox),
  async run(name, session) {
    const { directory } = session.services
    const { account, mailbox, name: told } = await session.mailboxes.reach(name, 'a')
    const entries = [{ subject: account, isNegative: false, rights: ALL_RIGHTS }, ...(mailbox.acl ?? [])]
    const pairs: string[] = []
    for (const { subject, isNegative, rights } of entries) {
      const identifier = await identifierOf(directory, subject)
      if (identifier === undefined) continue
      pairs.push(` ${formatUtf8(isNegative ? `-${identifier}` : identifier)} ${formatRights(rights)}`)
    }
    session.out.untagged(`ACL ${session.mailboxName(told)}${pairs.join('')}`)
    return ok('Getacl completed')
  },
})

/** RFC 4314 section 3.4: each right may be given by itself; the owner always has all. */
export const listRights = command({
  name: 'LISTRIGHTS',
  states: LOGGED_IN,
  parse(args) {
    const parsed = parseMailboxAndIdentifier(args)
    args.end()
    return parsed
  },
  async run({ name, identifier }, session) {
    const { account, name: told } = await session.mailboxes.reach(name, 'a')
    const subject = await subjectFor(session, identifier)
    if (subject === undefined) return NOBODY
    const rights = subject === account ? formatRights(ALL_RIGHTS) : `"" ${UNTIED_RIGHTS}`
    session.out.untagged(`LISTRIGHTS ${session.mailboxName(told)} ${formatUtf8(identifier.text)} ${rights}`)
    return ok('Listrights completed')
  },
})

/** RFC 4314 section 3.5. */
export const myRights = command({
  name: 'MYRIGHTS',
  states: LOGGED_IN,
  parse: (args) => only(args, parseMailbox),
  async run(name, session) {
    const reached = await session.mailboxes.reach(name, '')
    session.out.untagged(myRightsText(session, reached))
    return ok('Myrights completed')
  },
})

/** RFC 4314 section 3.8. */
export function myRightsText(
  session: Session,
  { name, rights }: { readonly name: string; readonly rights: Rights },
): string {
  return `MYRIGHTS ${session.mailboxName(name)} ${formatRights(rights)}`
}

async function changeEntry(
  session: Session,
  name: string,
  identifier: Identifier,
  change: Pick<AclChange, 'mode' | 'rights'>,
): Promise<Completion> {
  const { account, mailbox } = await session.mailboxes.reach(name, 'a')
  const subject = await subjectFor(session, identifier)
  if (subject === undefined) return NOBODY
  const { isNegative } = identifier
  if (subject === account) {
    const keepsAll = change.mode === 'add' || [...ALL_RIGHTS].every((right) => change.rights.includes(right))
    return keepsAll && !isNegative && change.mode !== 'remove' ? ok('Nothing to change') : OWNER
  }
  await session.services.store.changeAcl(account, mailbox.id, { ...change, subject, isNegative })
  await session.view?.mirror.refresh()
  return ok('Access control list changed')
}

const subjectFor = ({ services, mailboxes }: Session, identifier: Identifier) =>
  subjectOf(services.directory, identifier, mailboxes.user.address.domain)

function parseMailboxAndIdentifier(args: Arguments): { readonly name: string; readonly identifier: Identifier } {
  args.space()
  const name = parseMailbox(args)
  args.space()
  return { name, identifier: parseIdentifier(args) }
}
