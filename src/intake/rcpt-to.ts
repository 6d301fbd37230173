import type { Resolution } from '../directory/directory.ts'
import { rcptTo, type SmtpSession } from '../kernel/moments.ts'
import type { Address } from '../mail/address.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Quota } from '../store/mail-store.ts'
import { OK, REFUSED, type Refusal } from './answers.ts'
import type { IntakeCore } from './core.ts'
import { Disposition } from './disposition.ts'
import { type Answer, answerOf, type IntakeRole } from './intake.ts'
import type { Transaction } from './transaction.ts'

/**
 * Decides on RCPT and notes a recipient that is taken: is it ours, does it exist, has it room?
 * @throws MailError UNAVAILABLE when the directory or the store cannot tell
 */
export async function decideRcptTo(
  core: IntakeCore,
  role: IntakeRole,
  session: SmtpSession,
  transaction: Transaction,
  recipient: Recipient,
): Promise<Answer> {
  if (isFull(core, role, transaction)) return REFUSED.tooManyRecipients
  const { address } = recipient
  let resolution = await core.directory.resolve(address)
  if (resolution.kind !== 'local' && isPostmaster(core, address)) resolution = await resolvePostmaster(core, resolution)
  if (resolution.kind === 'unknown') return REFUSED.unknownUser
  if (resolution.kind === 'remote' && role !== 'submission') return REFUSED.relayDenied
  const full = await roomFor(core, resolution, transaction.parameters.announcedSize ?? 0)
  if (full !== undefined) return full
  const { sender, trace, taken } = transaction
  const isLocal = resolution.kind === 'local'
  const decision = await core.run.verdict(rcptTo, { session, sender, recipient, isLocal })
  trace.hooks(decision.outcomes)
  const answer = answerOf(decision.verdict)
  if (!answer.ok) return answer
  const disposition = new Disposition()
  disposition.take(decision)
  // The message is one for all its recipients, and so is what stands above it.
  transaction.disposition.stamp(disposition.headers)
  taken.push({ recipient, resolution, disposition })
  return OK
}

/**
 * RFC 5321 section 4.5.3.1.10. A message with the null reverse-path answers one message of one sender (section 4.5.5), so
 * from outside it has one recipient; a peer that has more sends the others in transactions of their own.
 */
function isFull(core: IntakeCore, role: IntakeRole, { sender, taken }: Transaction): boolean {
  if (sender === undefined && role === 'mx' && taken.length > 0) return true
  return taken.length >= core.server.limits.recipients
}

/** RFC 5321 section 4.5.1: whoever asks for the postmaster of this host gets the one there is. */
function isPostmaster({ server }: IntakeCore, { local, domain }: Address): boolean {
  return local.toLowerCase() === 'postmaster' && domain === server.hostname.toLowerCase()
}

async function resolvePostmaster(core: IntakeCore, unresolved: Resolution): Promise<Resolution> {
  const [first] = await core.directory.domains()
  return first === undefined ? unresolved : core.directory.resolve({ local: 'postmaster', domain: first.name })
}

/** A refusal when not one of the accounts has room, and nobody elsewhere gets it either. */
async function roomFor(core: IntakeCore, resolution: Resolution, size: number): Promise<Refusal | undefined> {
  if (resolution.kind !== 'local' || resolution.forward.length > 0) return undefined
  let refusal: Refusal | undefined
  for (const { account } of resolution.accounts) {
    const full = fullness(await core.mailStore.quota(account.id), size)
    if (full === undefined) return undefined
    refusal ??= full
  }
  return refusal
}

function fullness({ usedBytes, usedMessages, maxBytes, maxMessages }: Quota, size: number): Refusal | undefined {
  if (maxBytes !== undefined) {
    if (size > maxBytes) return REFUSED.largerThanMailbox
    if (usedBytes >= maxBytes || usedBytes + size > maxBytes) return REFUSED.overQuota
  }
  return maxMessages !== undefined && usedMessages >= maxMessages ? REFUSED.overQuota : undefined
}
