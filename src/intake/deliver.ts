import { formatAddress } from '../mail/address.ts'
import type { Envelope } from '../mail/envelope.ts'
import { MessageIndexer } from '../mail/index-message.ts'
import type { MessageIndex } from '../mail/message-index.ts'
import { senderText } from '../queue/queue.ts'
import type { BlobRef } from '../store/blob-store.ts'
import { OK, REFUSED, type Refusal, refusalFor, refusalText } from './answers.ts'
import type { IntakeCore } from './core.ts'
import { findDestinations } from './destinations.ts'
import { headerText } from './header-text.ts'
import type { Answer, IntakeRole } from './intake.ts'
import type { Judgement } from './judge.ts'
import type { Above, MessageSpool } from './message-spool.ts'
import { commitPlans, isQuotaRace, NotCommitted, type Parcel, type Plan, planParcel } from './parcel.ts'
import { recordRefused } from './record-refused.ts'
import { planReports, type ReportedCopy } from './report-parcel.ts'
import { isIndexed, shiftIndex } from './shift-index.ts'
import type { Transaction } from './transaction.ts'

export interface Delivery {
  readonly role: IntakeRole
  readonly transaction: Transaction
  readonly envelope: Envelope
  readonly above: Above
  /** Of the message without what stands above it. */
  readonly index: MessageIndex
  readonly judgement: Judgement
  readonly spool: MessageSpool
}

/** How often accounts may fill up between plan and commit before the peer is asked to come again. */
const MAX_ROUNDS = 4

/**
 * Stores the message and commits its copies. One answer for each recipient of the envelope, or a refusal of all.
 * @throws what a fault of the core throws: then nothing is kept that is known not to be needed
 */
export async function deliver(core: IntakeCore, delivery: Delivery): Promise<readonly Answer[] | Refusal> {
  const { transaction, judgement, index } = delivery
  const { sender, taken, trace } = transaction
  const destinations = await findDestinations(core, sender, taken, judgement.disposition, trace)
  if (destinations.local.size === 0 && destinations.remote.size === 0) {
    recordRefused(core, transaction, index.messageId)
    return taken.map(() => OK)
  }
  const stamped = headerText(judgement.headers)
  const blob = await delivery.spool.store(stamped)
  let isNeeded = false
  try {
    const parcel: Parcel = {
      id: transaction.id,
      envelope: withoutRecipients(delivery.envelope),
      blob,
      index: await indexAbove(core, delivery, blob, stamped),
      offset: delivery.above.returnPath.length,
      receivedAt: core.clock.now(),
      isReport: false,
      destinations,
      subject: {
        id: transaction.id,
        sender: senderText(sender),
        recipients: taken.map(({ recipient }) => formatAddress(recipient.address)),
        ...(index.messageId !== undefined && { messageIdHeader: index.messageId }),
      },
      events: [],
    }
    return await commitInRounds(core, delivery, parcel, (needed) => {
      isNeeded = needed
    })
  } catch (error) {
    throw error instanceof NotCommitted ? error.cause : error
  } finally {
    if (!isNeeded) await core.blobs.release(blob).catch(() => {})
  }
}

async function commitInRounds(
  core: IntakeCore,
  delivery: Delivery,
  parcel: Parcel,
  keep: (isNeeded: boolean) => void,
): Promise<readonly Answer[] | Refusal> {
  for (let round = 1; ; round++) {
    const plan = await planParcel(core, parcel)
    const answers = answersOf(plan, delivery)
    const first = answers.find((answer): answer is Refusal => !answer.ok)
    if (first !== undefined && answers.every(({ ok }) => !ok)) return first
    const trace = delivery.transaction.trace
    const failures = failuresOf(plan, delivery.role, answers)
    const events = [...trace.events, ...failureEvents(core, failures)]
    const copies = [...failures, ...successesOf(plan)]
    const reports = await planReports(core, parcel, copies)
    try {
      // From here on the Engine may have written it: after a fault of the Engine nobody knows, and the blob stays.
      keep(true)
      await commitPlans(core, [{ ...plan, events: [...events, ...reports.events] }, ...reports.plans])
      return answers
    } catch (error) {
      if (error instanceof NotCommitted) {
        keep(false)
        await reports.discard()
      }
      if (!isQuotaRace(error) || round === MAX_ROUNDS) throw error
    }
  }
}

/** RFC 2033 section 4.2 wants one for each recipient; SMTP sends the first refusal when there is nothing else. */
function answersOf({ refused, parcel }: Plan, { transaction }: Delivery): Answer[] {
  const { of } = parcel.destinations
  return transaction.taken.map((_, at) => {
    const { accounts, remote } = of[at] ?? { accounts: [], remote: 0 }
    if (remote > 0 || accounts.length === 0) return OK
    const errors = accounts.map((account) => refused.get(account))
    return errors.every((error) => error !== undefined) ? refusalFor(errors[0]) : OK
  })
}

/**
 * Copies that cannot be delivered and whose recipient the peer will take for served: the sender must be told. An LMTP peer
 * hears of a recipient that fails as a whole and tells the sender itself (RFC 2033 section 4.2).
 */
function failuresOf({ refused, parcel }: Plan, role: IntakeRole, answers: readonly Answer[]): ReportedCopy[] {
  const failures: ReportedCopy[] = []
  for (const [account, error] of refused) {
    const copy = parcel.destinations.local.get(account)
    if (copy === undefined) continue
    const isTold =
      role === 'lmtp' &&
      !parcel.destinations.of.some(({ accounts }, at) => accounts.includes(account) && answers[at]?.ok)
    if (!isTold) failures.push({ kind: 'failed', copy, refusal: refusalFor(error) })
  }
  return failures
}

/** RFC 3461 section 4.1: the sender asked to hear of a delivery. */
function successesOf({ refused, parcel }: Plan): ReportedCopy[] {
  return [...parcel.destinations.local.values()]
    .filter(({ account, recipient }) => !refused.has(account.id) && recipient.notify?.includes('success'))
    .map((copy) => ({ kind: 'delivered', copy }))
}

function failureEvents(core: IntakeCore, failures: readonly ReportedCopy[]) {
  return failures.map(({ copy, refusal }) => ({
    at: core.clock.now(),
    step: 'failed',
    text: `${formatAddress(copy.account.address)}: ${refusalText(refusal ?? REFUSED.unavailable)}`,
  }))
}

async function indexAbove(
  core: IntakeCore,
  { above, index, judgement }: Delivery,
  blob: BlobRef,
  stamped: Buffer,
): Promise<MessageIndex> {
  if (!judgement.headers.some(([name]) => isIndexed(name))) {
    return shiftIndex(index, [above.returnPath, stamped, above.received])
  }
  const indexer = new MessageIndexer()
  for await (const chunk of core.blobs.stream(blob)) indexer.write(chunk)
  return indexer.finish()
}

function withoutRecipients({ recipients: _, ...envelope }: Envelope): Omit<Envelope, 'recipients'> {
  return envelope
}
