import { type Address, formatAddress } from '../mail/address.ts'
import type { Notify } from '../mail/envelope.ts'
import { makeMessageId } from '../mail/message-id.ts'
import { composeReport } from '../mail/report.ts'
import type { JourneyEvent } from '../store/journey.ts'
import { REFUSED, type Refusal } from './answers.ts'
import type { IntakeCore } from './core.ts'
import type { LocalCopy } from './destinations.ts'
import { newMessageId } from './message-id.ts'
import { ownParcel } from './own-parcel.ts'
import { type Parcel, type Plan, planParcel } from './parcel.ts'

/** A copy for one of our accounts that the sender is to hear of. */
export interface ReportedCopy {
  readonly kind: 'failed' | 'delivered'
  readonly copy: LocalCopy
  readonly refusal?: Refusal
}

/** Reports that are stored and wait for the commit of the message they are about. */
export interface PlannedReports {
  readonly plans: readonly Plan[]
  /** For the journey of the message that is reported about. */
  readonly events: readonly JourneyEvent[]
  /** The commit did not come about. */
  discard(): Promise<void>
}

const NO_REPORTS: PlannedReports = { plans: [], events: [], discard: async () => {} }
/** RFC 3461 section 6.2 lets us return less than the whole of a large message. */
const MAX_RETURNED_BYTES = 1024 * 1024

/** @throws MailError UNAVAILABLE, STORE_FULL: then nothing is left behind */
export async function planReports(
  core: IntakeCore,
  parcel: Parcel,
  copies: readonly ReportedCopy[],
): Promise<PlannedReports> {
  if (copies.length === 0) return NO_REPORTS
  const plans: Plan[] = []
  const events: JourneyEvent[] = []
  const discard = async () => {
    await Promise.all(plans.map(({ parcel: { blob } }) => core.blobs.release(blob).catch(() => {})))
  }
  const { sender } = parcel.envelope
  for (const kind of ['failed', 'delivered'] as const) {
    const reported = copies.filter((one) => one.kind === kind && wants(one))
    if (reported.length === 0) continue
    // RFC 5321 section 6.1: a message with the null reverse-path is never answered.
    if (sender === undefined) {
      if (kind === 'failed')
        events.push({ at: core.clock.now(), step: 'report', text: 'the sender is null: nobody is told' })
      continue
    }
    try {
      const plan = await planReport(core, parcel, sender, kind, reported)
      const to = formatAddress(sender)
      const text =
        plan === undefined ? `${to} cannot be told (${kind})` : `${to} is told (${kind}) by ${plan.parcel.id}`
      events.push({ at: core.clock.now(), step: 'report', text })
      if (plan !== undefined) plans.push(plan)
    } catch (error) {
      await discard()
      throw error
    }
  }
  return { plans, events, discard }
}

/** undefined when the sender is one of ours and cannot be reached. */
async function planReport(
  core: IntakeCore,
  about: Parcel,
  to: Address,
  kind: ReportedCopy['kind'],
  reported: readonly ReportedCopy[],
): Promise<Plan | undefined> {
  const at = core.clock.now()
  const id = newMessageId(at)
  const { envelope, index, offset, blob, receivedAt } = about
  const { hostname } = core.server
  const message = composeReport({
    hostname,
    to: formatAddress(to),
    messageId: makeMessageId(hostname, id),
    at,
    recipients: reported.map(({ copy: { recipient }, refusal = REFUSED.unavailable }) => ({
      address: formatAddress(recipient.address),
      action: kind,
      // What was a "not now" to a peer that stays is final for a copy that is given up (RFC 3463 section 2).
      status: kind === 'delivered' ? '2.0.0' : refusal.code.replace(/^4/, '5'),
      lastAttemptAt: at,
      ...(recipient.originalRecipient !== undefined && { originalRecipient: recipient.originalRecipient }),
      ...(kind === 'failed' && { diagnostic: refusal.text }),
    })),
    original: {
      arrivedAt: receivedAt,
      bytes: await core.blobs.read(blob, { start: offset, end: Math.min(index.size, offset + MAX_RETURNED_BYTES) }),
      ...(envelope.envelopeId !== undefined && { envelopeId: envelope.envelopeId }),
      ...(index.messageId !== undefined && { messageId: index.messageId }),
      ...(index.subject !== undefined && { subject: index.subject }),
    },
    // A message that was not read to its end is not returned as if it were whole.
    returnContent: index.size - offset > MAX_RETURNED_BYTES ? 'headers' : (envelope.returnContent ?? 'headers'),
    smtpUtf8: envelope.smtpUtf8,
    maxReturnedBytes: MAX_RETURNED_BYTES,
  })
  const parcel = await ownParcel(core, {
    id,
    envelope: {
      sender: undefined,
      recipients: [{ address: to }],
      smtpUtf8: envelope.smtpUtf8,
      eightBit: !isAscii(message),
      requireTls: false,
    },
    message,
    isReport: true,
    about: `a report (${kind}) about ${about.id}`,
  })
  if (parcel === undefined) return undefined
  try {
    const plan = await planParcel(core, parcel)
    if (plan.deliveries.length > 0 || parcel.destinations.remote.size > 0) return plan
    await core.blobs.release(parcel.blob)
    return undefined
  } catch (error) {
    await core.blobs.release(parcel.blob).catch(() => {})
    throw error
  }
}

/** RFC 3461 section 4.1: who says nothing hears of failures, and of nothing else here. */
function wants({ kind, copy }: ReportedCopy): boolean {
  const event: Notify = kind === 'failed' ? 'failure' : 'success'
  return copy.recipient.notify?.includes(event) ?? kind === 'failed'
}

const isAscii = (bytes: Buffer): boolean => bytes.every((octet) => octet < 128)
