import { fetchMessages } from './fetch/fetch-messages.ts'
import type { FetchRequest } from './fetch/fetch-request.ts'
import type { MailboxView } from './mailbox-view.ts'
import type { Session } from './session.ts'
import { tellUpdates } from './updates.ts'

/** What NOTIFY said of the selected mailbox (RFC 5465 section 6.1). */
export interface SelectedEvents {
  /** Nothing of its messages is told. */
  readonly isNone: boolean
  /** Expunged messages are told of only when a command allows it. */
  readonly isDelayed: boolean
  readonly flags: boolean
  /** Fetched of each new message. */
  readonly request: FetchRequest | undefined
}

/**
 * Tells the client what happened in its mailbox, as far as it wants to know: everything, unless NOTIFY said otherwise.
 * @throws MailboxGone, MailboxClosed, PeerGone
 */
export async function tellSelected(session: Session, canExpunge: boolean): Promise<void> {
  const { view, out, services, enabled, selectedEvents, contexts } = session
  if (view === undefined) return
  // RFC 5267 section 4.3.4: before EXPUNGE, as long as the numbers are right.
  contexts?.tellGone()
  const last = view.count === 0 ? 0 : view.uidAt(view.count - 1)
  await tellUpdates(view, out, {
    store: services.store,
    enabled,
    canExpunge,
    // RFC 9051 section 7.5.2: nobody has to know sequence numbers.
    ...(session.isRev2 && { namesUids: true }),
    ...(selectedEvents && { hasMessages: !selectedEvents.isNone, hasFlags: selectedEvents.flags, namesUids: true }),
  })
  // Section 4.3.3: behind EXISTS; behind the FETCH of flags and before that of new messages (RFC 5465 sections 5.1, 5.2).
  await contexts?.tellChanged()
  await tellItemsOfNew(session, view, last)
}

/** What NOTIFY wants to know of each new message. @param last the highest UID of those that are not new */
async function tellItemsOfNew(session: Session, view: MailboxView, last: number): Promise<void> {
  const { selectedEvents } = session
  const own = session.ownChanges.takeMessages()
  if (selectedEvents?.request === undefined || view.count === 0 || view.uidAt(view.count - 1) <= last) return
  const positions = view
    .positions([[last + 1, Number.POSITIVE_INFINITY]], true)
    .filter((position) => view.uidAt(position) > last && !own.includes(view.uidAt(position)))
  await fetchMessages(session, positions, selectedEvents.request)
}
