import { type Credentials, codeOf } from 'mailserver'
import { capabilityText } from './capabilities.ts'
import { type Completion, no, ok } from './completion.ts'
import { completionOfError } from './completion-of-error.ts'
import type { Session } from './session.ts'
import { SessionEnd } from './session-end.ts'

/** The answer to every login in clear (RFC 5530 section 3). */
export const PRIVACY_REQUIRED = no('Use STARTTLS or the TLS port first', 'PRIVACYREQUIRED')

/**
 * Checks credentials and logs the session in. A wrong login is answered late, each time later, and ends the connection
 * after a few. @throws SessionEnd
 */
export async function logIn(
  session: Session,
  credentials: Omit<Credentials, 'protocol' | 'remoteAddress'>,
): Promise<Completion> {
  if (!session.isTls) return PRIVACY_REQUIRED
  const { remoteAddress } = session.connection
  try {
    const account = await session.services.authenticator.authenticate(
      { ...credentials, protocol: 'imap', remoteAddress },
      session.signal,
    )
    session.authenticated(account)
    session.log.info({ account: account.id, mechanism: credentials.mechanism }, 'logged in')
    return ok('Logged in', capabilityText(session))
  } catch (cause) {
    if (codeOf(cause) !== 'AUTHENTICATION_FAILED') throw cause
    session.log.info({ mechanism: credentials.mechanism, remoteAddress }, 'login failed')
    await penalty(session)
    return completionOfError(cause)
  }
}

async function penalty(session: Session): Promise<void> {
  const { loginDelayMs, loginFailures } = session.limits
  session.loginFailures += 1
  await session.clock.sleep(loginDelayMs * 2 ** (session.loginFailures - 1), session.signal)
  if (session.loginFailures >= loginFailures) throw new SessionEnd('Too many failed logins')
}
