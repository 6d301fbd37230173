import { setImmediate as nextTurn } from 'node:timers/promises'
import { HIERARCHY_SEPARATOR, type SpecialUse } from 'mailserver'
import { command, LOGGED_IN } from '../command.ts'
import { ok } from '../completion.ts'
import { parseReferenceAndPattern } from '../wire/list-arguments.ts'
import { ListPattern, parentsOf } from '../wire/list-pattern.ts'
import { specialUseOf } from './list.ts'

/** Names that are compared with the pattern before others get their turn. */
const TURN = 100

/** The uses as they were called before RFC 6154. */
const USES: Readonly<Record<SpecialUse, string>> = {
  all: '\\AllMail',
  archive: '\\Archive',
  drafts: '\\Drafts',
  flagged: '\\Starred',
  junk: '\\Spam',
  sent: '\\Sent',
  trash: '\\Trash',
}

/** LIST with special uses, as Gmail had it first: clients older than RFC 6154 know no other way to them. */
export const xlist = command({
  name: 'XLIST',
  states: LOGGED_IN,
  parse: parseReferenceAndPattern,
  async run({ reference, pattern }, session) {
    const { out, mailboxes: access } = session
    const wanted = new ListPattern(reference, pattern)
    const mailboxes = await access.listed(wanted.head)
    const parents = new Set(mailboxes.flatMap(({ name }) => parentsOf(name)))
    for (const [at, mailbox] of mailboxes.entries()) {
      if (at % TURN === TURN - 1) await nextTurn()
      const { name } = mailbox
      const isParent = parents.delete(name)
      if (!wanted.matches(name)) continue
      const use = specialUseOf(mailbox)
      const attributes = [isParent ? '\\HasChildren' : '\\HasNoChildren']
      if (name === 'INBOX') attributes.push('\\Inbox')
      else if (use !== undefined) attributes.push(USES[use])
      out.untagged(`XLIST (${attributes.join(' ')}) "${HIERARCHY_SEPARATOR}" ${session.mailboxName(name)}`)
      if (out.isFull) await out.room()
    }
    for (const name of parents) {
      if (!wanted.matches(name)) continue
      out.untagged(`XLIST (\\Noselect \\HasChildren) "${HIERARCHY_SEPARATOR}" ${session.mailboxName(name)}`)
    }
    return ok('Xlist completed')
  },
})
