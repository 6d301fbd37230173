import { HIERARCHY_SEPARATOR, type MailboxStatus } from 'mailserver'
import { type Command, command, LOGGED_IN } from '../command.ts'
import { type Completion, ok } from '../completion.ts'
import { changedAfter } from '../fetch/changed-after.ts'
import { fetchMessages } from '../fetch/fetch-messages.ts'
import { fetchRequest } from '../fetch/fetch-request.ts'
import type { ReachedMailbox } from '../mailbox-access.ts'
import { MailboxView } from '../mailbox-view.ts'
import { formatMailboxId } from '../object-ids.ts'
import { alertOfQuota } from '../quota-roots.ts'
import type { Session } from '../session.ts'
import { UidRequired } from '../uid-only.ts'
import { permanentFlagsText, recentCount } from '../updates.ts'
import { vanishedSince } from '../vanished.ts'
import { parseMailbox } from '../wire/mailbox-name.ts'
import { parseSelectParameters, type QresyncParameters } from '../wire/modifiers.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

/** RFC 3501 section 6.3.1. */
export const select = selecting('SELECT', false)
/** RFC 3501 section 6.3.2. */
export const examine = selecting('EXAMINE', true)

function selecting(name: string, isReadOnly: boolean): Command {
  return command({
    name,
    states: LOGGED_IN,
    updates: 'none',
    parse(args, { enabled }) {
      args.space()
      const name = parseMailbox(args)
      const parameters = parseSelectParameters(args)
      args.end()
      if (parameters.qresync?.hasNumbers && enabled.has('UIDONLY')) throw new UidRequired()
      if (parameters.qresync !== undefined && !enabled.has('QRESYNC')) throw new SyntaxFault('ENABLE QRESYNC first')
      return { name, parameters }
    },
    async run({ name: mailbox, parameters }, session): Promise<Completion> {
      // RFC 3501 section 6.3.1: the mailbox before is left, also when this fails.
      const saysClosed = session.isRev2 || session.enabled.has('QRESYNC')
      if (session.view !== undefined && saysClosed) session.out.untagged('OK [CLOSED] Left')
      session.select(undefined)
      if (parameters.isCondstore || parameters.qresync !== undefined) session.enableCondstore()
      const { view, status } = await open(session, await session.mailboxes.reach(mailbox, 'r'), isReadOnly)
      session.select(view)
      describe(session, view, status)
      await alertOfQuota(session)
      if (parameters.qresync !== undefined) await resynchronise(session, view, parameters.qresync)
      return ok(`${isReadOnly ? 'Examined' : 'Selected'}`, view.isReadOnly ? 'READ-ONLY' : 'READ-WRITE')
    },
  })
}

interface Opened {
  readonly view: MailboxView
  /** It tells of every message that the view has. */
  readonly status: MailboxStatus
}

async function open(
  { services, mailboxes, isRev2 }: Session,
  reached: ReachedMailbox,
  isExamined: boolean,
): Promise<Opened> {
  const { mirrors, store } = services
  const { account, mailbox, namespace } = reached
  const mirror = await mirrors.acquire(account, mailbox)
  try {
    const view = new MailboxView(mirror, reached, isExamined, (acl) => mailboxes.rightsIn(namespace, acl))
    view.hasRecent = !isRev2
    const last = view.count === 0 ? 0 : view.uidAt(view.count - 1)
    const known = mirror.status
    const status = known !== undefined && last < known.uidNext ? known : await store.status(account, mailbox.id)
    // Nearly always nothing is recent, and then nothing of what the view has.
    if (!isRev2 && last > 0 && status.recent > 0) {
      const first = await store.firstRecentUid(account, mailbox.id, { take: !view.isReadOnly })
      view.recent.add(first, last)
    }
    return { view, status }
  } catch (cause) {
    mirrors.release(mirror)
    throw cause
  }
}

function describe(session: Session, view: MailboxView, status: MailboxStatus): void {
  const { out, offer, isRev2, isUidOnly } = session
  const { mirror } = view
  const flags = mirror.columns.flagSets.flags.join(' ')
  out.untagged(`FLAGS (${flags})`)
  out.untagged(permanentFlagsText(view))
  out.untagged(`${view.count} EXISTS`)
  if (!isRev2) out.untagged(`${recentCount(view)} RECENT`)
  // RFC 9586 section 3: a message number like any other.
  const unseen = isRev2 || isUidOnly ? 0 : firstUnseen(view)
  if (unseen !== 0) out.untagged(`OK [UNSEEN ${unseen}] First unseen`)
  out.untagged(`OK [UIDVALIDITY ${view.mailbox.uidValidity}] UIDs valid`)
  if (offer.has('CONDSTORE')) out.untagged(`OK [HIGHESTMODSEQ ${mirror.highestModSeq}] Highest`)
  out.untagged(`OK [UIDNEXT ${Math.max(status.uidNext, mirror.uidNext)}] Predicted next UID`)
  // RFC 9051 section 6.3.2: the name as the server has it.
  if (isRev2) out.untagged(`LIST () "${HIERARCHY_SEPARATOR}" ${session.mailboxName(view.name)}`)
  if (offer.has('OBJECTID')) out.untagged(`OK [MAILBOXID (${formatMailboxId(mirror.account, view.mailbox.id)})] Its id`)
}

/** What the client missed since it was last here (RFC 7162 section 3.2.5). */
async function resynchronise(session: Session, view: MailboxView, parameters: QresyncParameters): Promise<void> {
  const { out, services } = session
  const { uidValidity, modSeq, known } = parameters
  if (uidValidity !== view.mailbox.uidValidity) return
  const vanished = await vanishedSince(services.store, view, known, modSeq)
  if (vanished !== '') out.untagged(`VANISHED (EARLIER) ${vanished}`)
  const positions = view.positions(known ?? [[1, Number.POSITIVE_INFINITY]], true)
  const changed = changedAfter(view, positions, modSeq)
  await fetchMessages(session, changed, fetchRequest(['FLAGS', 'MODSEQ'], !session.isUidOnly))
}

/** Sequence number of the first message without `\Seen`; 0 when there is none. */
function firstUnseen(view: MailboxView): number {
  const { columns } = view.mirror
  const row = columns.firstUnseen()
  // A message that came since the view was made has no number in it yet.
  return row === -1 ? 0 : view.positionOf(columns.uids[row] as number) + 1
}
