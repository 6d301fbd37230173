import { MailError } from '../errors/mail-error.ts'
import { formatAddress } from '../mail/address.ts'
import type { Envelope } from '../mail/envelope.ts'
import type { MessageIndex } from '../mail/message-index.ts'
import type { MessageId } from '../queue/queue.ts'
import type { BlobRef } from '../store/blob-store.ts'
import type { Transaction } from '../store/engine.ts'
import type { JourneyEvent, JourneySubject } from '../store/journey.ts'
import type { PlannedDelivery } from '../store/local-delivery.ts'
import type { AccountId } from '../store/mail-store.ts'
import type { IntakeCore } from './core.ts'
import type { Destinations, LocalCopy } from './destinations.ts'

/** A stored message and where its copies go. */
export interface Parcel {
  readonly id: MessageId
  readonly envelope: Omit<Envelope, 'recipients'>
  readonly blob: BlobRef
  /** Of the blob. */
  readonly index: MessageIndex
  /** Octets at the blob's beginning that are for local copies alone. */
  readonly offset: number
  readonly receivedAt: number
  readonly isReport: boolean
  readonly destinations: Destinations
  readonly subject: JourneySubject
  readonly events: readonly JourneyEvent[]
}

/** A parcel for which the mailboxes have been asked. */
export interface Plan {
  readonly parcel: Parcel
  readonly deliveries: readonly PlannedDelivery[]
  /** Accounts that cannot take it, and why. */
  readonly refused: ReadonlyMap<AccountId, Error>
  /** What its journey says before it is stored. */
  readonly events: readonly JourneyEvent[]
}

/** @throws MailError UNAVAILABLE */
export async function planParcel(core: IntakeCore, parcel: Parcel): Promise<Plan> {
  const deliveries: PlannedDelivery[] = []
  const refused = new Map<AccountId, Error>()
  const copies = [...parcel.destinations.local.values()]
  for (const isQuarantined of [false, true]) {
    const group = copies.filter((copy) => copy.isQuarantined === isQuarantined)
    if (group.length === 0) continue
    const { id, envelope, blob, index, receivedAt } = parcel
    const recipients = group.map(addressee)
    const planned = await core.localDelivery.plan({
      id,
      envelope,
      blob,
      index,
      receivedAt,
      isQuarantined,
      recipients,
    })
    for (const [account, error] of planned.refused) refused.set(account, error)
    if (group.some(({ account }) => !planned.refused.has(account.id))) deliveries.push(planned)
  }
  return { parcel, deliveries, refused, events: parcel.events }
}

function addressee({ account, recipient, subaddress }: LocalCopy) {
  return {
    account: account.id,
    address: formatAddress(recipient.address),
    ...(subaddress !== undefined && { subaddress }),
  }
}

/** The commit did not come about, and nothing of it is written: the blobs are nobody's. */
export class NotCommitted extends Error {
  override readonly name = 'NotCommitted'
}

/**
 * Puts everything on disk in one commit: mailbox entries, queue entries, journeys.
 * @throws NotCommitted when it was given up before anything was written, with the cause; MailError STORE_FULL or
 * UNAVAILABLE when the Engine failed, and nobody knows what was written
 */
export async function commitPlans(core: IntakeCore, plans: readonly Plan[]): Promise<void> {
  const { blobs, engine } = core
  for (const { parcel } of plans) {
    try {
      await blobs.durable(parcel.blob)
    } catch (cause) {
      throw new NotCommitted('a blob did not reach the disk', { cause })
    }
  }
  const scopes = plans.flatMap(({ deliveries }) => deliveries.flatMap((delivery) => delivery.scopes))
  let gaveUp: unknown
  try {
    const write = async (tx: Transaction) => {
      try {
        for (const plan of plans) await writePlan(core, tx, plan)
      } catch (error) {
        gaveUp = error
        throw error
      }
    }
    // A 250 says that the message is on disk: that readers see it may come a moment later.
    await engine.transact(scopes, write, { until: 'durable' })
  } catch (cause) {
    if (gaveUp === undefined) throw cause
    throw new NotCommitted('the commit was given up', { cause: gaveUp })
  }
}

async function writePlan(core: IntakeCore, tx: Transaction, plan: Plan): Promise<void> {
  const { parcel, deliveries } = plan
  const events = [...plan.events]
  for (const delivery of deliveries) {
    for (const { account, mailbox, uid } of await delivery.commitIn(tx)) {
      const copy = parcel.destinations.local.get(account)
      const to = copy === undefined ? account : formatAddress(copy.account.address)
      events.push({ at: core.clock.now(), step: 'stored', text: `in a mailbox of ${to}`, detail: { mailbox, uid } })
    }
  }
  enqueue(core, tx, parcel, events)
  core.journeys.beginIn(tx, parcel.subject, events)
}

function enqueue(core: IntakeCore, tx: Transaction, parcel: Parcel, events: JourneyEvent[]): void {
  const { id, envelope, blob, index, offset, receivedAt, isReport } = parcel
  const copies = [...parcel.destinations.remote.values()]
  if (copies.length === 0) return
  core.queue.enqueueIn(
    tx,
    {
      id,
      envelope,
      blob,
      ...(offset > 0 && { offset }),
      size: index.size - offset,
      arrivedAt: receivedAt,
      isReport,
      ...(index.messageId !== undefined && { messageIdHeader: index.messageId }),
      ...(index.subject !== undefined && { subject: index.subject }),
    },
    copies,
  )
  for (const { recipient, route } of copies) {
    const text = `for ${formatAddress(recipient.address)}${route === undefined ? '' : ` by ${route}`}`
    events.push({ at: core.clock.now(), step: 'queued', text })
  }
}

/** Was it an account that filled up between plan and commit? Then a new plan leaves it out. */
export function isQuotaRace(error: unknown): boolean {
  return error instanceof NotCommitted && error.cause instanceof MailError && error.cause.code === 'OVER_QUOTA'
}
