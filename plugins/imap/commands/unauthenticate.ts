import { command, LOGGED_IN, noArguments } from '../command.ts'
import { ok } from '../completion.ts'
import { SessionEnd } from '../session-end.ts'

/** RFC 8437: back to before the login, with nothing left of it but TLS and what ID said. */
export const unauthenticate = command({
  name: 'UNAUTHENTICATE',
  states: LOGGED_IN,
  updates: 'none',
  parse: noArguments,
  async run(_args, session) {
    // RFC 8437 section 3 has this be said by BYE: compression ends where the client ends its own, which nobody can see.
    if (session.transport.isCompressed) throw new SessionEnd('Compression cannot be ended')
    session.unauthenticated()
    session.log.info({}, 'logged out, and stays connected')
    return ok('Not logged in any more')
  },
})
