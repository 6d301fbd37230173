import { logIn } from '../authentication.ts'
import { command } from '../command.ts'
import { utf8Of } from '../wire/arguments.ts'

/** RFC 3501 section 6.2.3. */
export const login = command({
  name: 'LOGIN',
  states: ['not-authenticated'],
  updates: 'none',
  parse(args) {
    args.space()
    const user = utf8Of(args.astring())
    args.space()
    const password = utf8Of(args.astring())
    args.end()
    return { user, password }
  },
  run: ({ user, password }, session) => logIn(session, { mechanism: 'LOGIN', login: user, password }),
})
