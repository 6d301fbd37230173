import { type Account, codeOf } from 'mailserver'
import { capabilityText } from './capabilities.ts'
import { type Completion, no, ok } from './completion.ts'
import { completionOfError } from './completion-of-error.ts'
import type { Session } from './session.ts'
import { SessionEnd } from './session-end.ts'
import { SyntaxFault } from './wire/syntax-fault.ts'

/** The answer to every login in clear (RFC 5530 section 3). */
export const PRIVACY_REQUIRED = no('Use STARTTLS or the TLS port first', 'PRIVACYREQUIRED')

/**
 * Runs one step of a proof and logs the session in when it was the last. A wrong login is answered late, each time later,
 * and ends the connection after a few.
 * @param step gives the account, or undefined when there is more to come
 * @returns undefined when there is more to come
 * @throws SyntaxFault (the proof is malformed), SessionEnd, MailError
 */
export async function proved(
  session: Session,
  mechanism: string,
  step: () => Promise<Account | undefined>,
): Promise<Completion | undefined> {
  const { remoteAddress } = session.connection
  try {
    const account = await step()
    if (account === undefined) return undefined
    session.authenticated(account)
    session.log.info({ account: account.id, mechanism }, 'logged in')
    return ok('Logged in', capabilityText(session))
  } catch (cause) {
    const code = codeOf(cause)
    if (code === 'INVALID') throw new SyntaxFault(`Invalid ${mechanism} response`)
    if (code !== 'AUTHENTICATION_FAILED') throw cause
    session.log.info({ mechanism, remoteAddress }, 'login failed')
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
