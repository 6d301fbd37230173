import { command, noArguments } from '../command.ts'
import { bad, ok } from '../completion.ts'
import { PeerGone } from '../wire/octet-input.ts'

/** RFC 3501 section 6.2.1. What was sent behind the command in clear is dropped unread: anybody may have put it there. */
export const starttls = command({
  name: 'STARTTLS',
  states: ['not-authenticated'],
  updates: 'none',
  parse: noArguments,
  async run(_args, session) {
    if (session.isTls) return bad('TLS is on already')
    session.afterCompletion(async () => {
      session.input.forget()
      const socket = session.transport.detach()
      try {
        const secure = await session.services.tls.upgrade(socket, session.limits.loginTimeoutMs, {
          asksForCertificate: true,
        })
        session.secured(secure)
      } catch (cause) {
        socket.destroy()
        throw new PeerGone('the TLS handshake failed', { cause })
      }
    })
    return ok('Begin TLS negotiation now')
  },
})
