import { mailFrom, type SmtpSession } from '../kernel/moments.ts'
import type { AccountId } from '../store/mail-store.ts'
import { OK, REFUSED } from './answers.ts'
import type { IntakeCore } from './core.ts'
import { type Answer, answerOf, type IntakeRole } from './intake.ts'
import type { Transaction } from './transaction.ts'

/**
 * Decides on MAIL: may this session send, as this sender, so much?
 * @throws MailError UNAVAILABLE when the directory cannot tell
 */
export async function decideMailFrom(
  core: IntakeCore,
  role: IntakeRole,
  session: SmtpSession,
  { sender, parameters: { announcedSize }, trace, disposition }: Transaction,
): Promise<Answer> {
  if (role === 'submission' && session.account === undefined) return REFUSED.authenticationRequired
  const { messageBytes } = core.server.limits
  if (messageBytes > 0 && announcedSize !== undefined && announcedSize > messageBytes) return REFUSED.tooLarge
  // The null reverse-path is for everyone: a read receipt has it (RFC 8098 section 3).
  if (role === 'submission' && session.account !== undefined && sender !== undefined) {
    if (!(await core.directory.maySendAs(session.account.id as AccountId, sender))) return REFUSED.senderNotTheirs
  }
  const decision = await core.run.verdict(mailFrom, { session, sender, announcedSize })
  trace.hooks(decision.outcomes)
  const answer = answerOf(decision.verdict)
  if (!answer.ok) return answer
  disposition.take(decision)
  return OK
}
