import { HIERARCHY_SEPARATOR } from 'mailserver'
import { command, LOGGED_IN, noArguments } from '../command.ts'
import { ok } from '../completion.ts'
import { OTHER_USERS } from '../sharing.ts'

/** RFC 2342 section 5: the user's own mailboxes, those of other users, and those of the public account when there is one. */
export const namespace = command({
  name: 'NAMESPACE',
  states: LOGGED_IN,
  parse: noArguments,
  async run(_args, session) {
    const { out, mailboxes } = session
    const { sharedName } = mailboxes
    const descriptionOf = (prefix: string) => `((${session.mailboxName(prefix)} "${HIERARCHY_SEPARATOR}"))`
    const shared = sharedName === undefined ? 'NIL' : descriptionOf(`${sharedName}/`)
    out.untagged(`NAMESPACE ${descriptionOf('')} ${descriptionOf(`${OTHER_USERS}/`)} ${shared}`)
    return ok('Namespace completed')
  },
})
