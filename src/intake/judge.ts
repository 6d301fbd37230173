import { messageReceived, messageStamped, type ReceivedMessage } from '../kernel/moments.ts'
import type { HeaderField } from '../kernel/verdict.ts'
import type { Refusal } from './answers.ts'
import type { IntakeCore } from './core.ts'
import { Disposition } from './disposition.ts'
import { answerOf } from './intake.ts'
import type { Trace } from './trace.ts'

export interface Judgement {
  readonly disposition: Disposition
  /** To be put above the message, first to last. */
  readonly headers: readonly HeaderField[]
}

/**
 * Runs the hooks on a message that is here in full.
 * @param before what the hooks of the session and the transaction decided
 * @throws MailError UNAVAILABLE when a stamp failed
 */
export async function judge(
  core: IntakeCore,
  message: ReceivedMessage,
  before: Disposition,
  trace: Trace,
): Promise<Judgement | Refusal> {
  const decision = await core.run.verdict(messageReceived, message)
  trace.hooks(decision.outcomes)
  const answer = answerOf(decision.verdict)
  if (!answer.ok) return answer
  const disposition = new Disposition()
  disposition.take(decision)
  disposition.include(before)
  const headers = await core.run.transform(messageStamped, disposition.headers, message)
  return { disposition, headers }
}
