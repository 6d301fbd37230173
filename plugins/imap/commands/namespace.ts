import { HIERARCHY_SEPARATOR } from 'mailserver'
import { command, LOGGED_IN, noArguments } from '../command.ts'
import { ok } from '../completion.ts'

/** RFC 2342 section 5: one namespace, the account's own. */
export const namespace = command({
  name: 'NAMESPACE',
  states: LOGGED_IN,
  parse: noArguments,
  async run(_args, session) {
    session.out.untagged(`NAMESPACE (("" "${HIERARCHY_SEPARATOR}")) NIL NIL`)
    return ok('Namespace completed')
  },
})
