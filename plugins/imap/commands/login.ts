import { PRIVACY_REQUIRED, proved } from '../authentication.ts'
import { command } from '../command.ts'
import { no } from '../completion.ts'
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
  async run({ user, password }, session) {
    if (!session.isTls) return PRIVACY_REQUIRED
    const { authenticator } = session.services
    const { remoteAddress } = session.connection
    const credentials = { mechanism: 'LOGIN' as const, login: user, password, protocol: 'imap', remoteAddress }
    const completion = await proved(session, 'LOGIN', () => authenticator.authenticate(credentials, session.signal))
    return completion ?? no('Login failed')
  },
})
