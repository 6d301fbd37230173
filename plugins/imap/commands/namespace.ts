import { HIERARCHY_SEPARATOR } from 'mailserver'
import { command, LOGGED_IN, noArguments } from '../command.ts'
import { ok } from '../completion.ts'
import { OTHER_USERS } from '../sharing.ts'
import { formatMailbox } from '../wire/mailbox-name.ts'

/** RFC 2342 section 5: the user's own mailboxes, those of other users, and those of the public account when there is one. */
export const namespace = command({
  name: 'NAMESPACE',
  states: LOGGED_IN,
  parse: noArguments,
  async run(_args, { out, mailboxes }) {
    const { sharedName } = mailboxes
    const shared = sharedName === undefined ? 'NIL' : descriptionOf(`${sharedName}/`)
    out.untagged(`NAMESPACE ${descriptionOf('')} ${descriptionOf(`${OTHER_USERS}/`)} ${shared}`)
    return ok('Namespace completed')
  },
})

const descriptionOf = (prefix: string): string => `((${formatMailbox(prefix)} "${HIERARCHY_SEPARATOR}"))`
