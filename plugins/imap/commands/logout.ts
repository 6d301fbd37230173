import { ANY_STATE, command, noArguments } from '../command.ts'
import { ok } from '../completion.ts'

/** RFC 3501 section 6.1.3. */
export const logout = command({
  name: 'LOGOUT',
  states: ANY_STATE,
  updates: 'none',
  parse: noArguments,
  async run(_args, session) {
    session.out.untagged('BYE Logging out')
    session.isOver = true
    return ok('Logout completed')
  },
})
