import { type Copied, flagClassesOf } from 'mailserver'
import { type Command, command, SELECTED } from '../command.ts'
import { type Completion, no, ok } from '../completion.ts'
import { positionsOf } from '../known-messages.ts'
import { demand, type ReachedMailbox } from '../mailbox-access.ts'
import type { MailboxView } from '../mailbox-view.ts'
import { limitMessages } from '../message-limit.ts'
import { whileWaiting } from '../progress.ts'
import type { Session } from '../session.ts'
import type { Arguments } from '../wire/arguments.ts'
import { parseMailbox } from '../wire/mailbox-name.ts'
import { formatSequenceSet, parseSequenceSet, type SequenceSet } from '../wire/sequence-set.ts'
import { refusalOf } from './expunge.ts'

interface Transfer {
  readonly set: SequenceSet
  readonly target: string
}

/** RFC 3501 section 6.4.7. */
export const copy = transferring('COPY', false, runCopy)
export const uidCopy = transferring('UID COPY', true, runCopy)
/** RFC 6851. */
export const move = transferring('MOVE', false, runMove)
export const uidMove = transferring('UID MOVE', true, runMove)

type Run = (session: Session, positions: Uint32Array, target: ReachedMailbox) => Promise<Completion>

function transferring(name: string, isUid: boolean, run: Run): Command {
  return command<Transfer>({
    name,
    states: SELECTED,
    usesNumbers: !isUid,
    parse: parseTransfer,
    async run({ set, target }, session) {
      const mailbox = await targetOf(session, target)
      const positions = await positionsOf(session, set, isUid)
      if (positions.length === 0) return ok('No messages')
      return mailbox === undefined ? NO_TARGET : run(session, positions, mailbox)
    },
  })
}

/** RFC 3501 section 6.4.7: the client may create it and try again. */
export const NO_TARGET = no('There is no such mailbox; create it first', 'TRYCREATE')

/** The mailbox that messages are put in; undefined when there is none. @throws MailError, NoPermission */
export async function targetOf(session: Session, name: string): Promise<ReachedMailbox | undefined> {
  const target = await session.mailboxes.find(name)
  if (target === undefined || !target.rights.includes('i')) {
    if (target?.rights.includes('l')) demand(target, 'i')
    return undefined
  }
  return target
}

function parseTransfer(args: Arguments): Transfer {
  args.space()
  const set = parseSequenceSet(args)
  args.space()
  const target = parseMailbox(args)
  args.end()
  return { set, target }
}

/** Flags that the user may not set in the target do not come with the messages (RFC 4314 section 4). */
const optionsFor = ({ account, rights }: ReachedMailbox) => ({ account, keep: flagClassesOf(rights) })

const isSelected = (view: MailboxView, { account, mailbox }: ReachedMailbox): boolean =>
  mailbox.id === view.mailbox.id && account === view.mirror.account

async function runCopy(session: Session, positions: Uint32Array, target: ReachedMailbox): Promise<Completion> {
  const view = session.selected
  const { saveLimit } = session
  // RFC 9738 section 3.1: all are copied or none.
  if (positions.length > saveLimit) return no('Too many messages in one COPY', `MESSAGELIMIT ${saveLimit}`)
  const uids = view.uidsAt(positions)
  const { store } = session.services
  const { account } = view.mirror
  const copying = store.copy(account, view.mailbox.id, uids, target.mailbox.id, optionsFor(target))
  const copied = await whileWaiting(session, copying)
  if (isSelected(view, target)) {
    session.addedMessages(copied.uids.map(([, uid]) => uid))
    await view.mirror.refresh()
  }
  if (copied.uids.length === 0) return no('The messages are gone', 'EXPUNGEISSUED')
  return ok('Copy completed', session.offer.has('UIDPLUS') ? copyUid(copied) : undefined)
}

async function runMove(session: Session, positions: Uint32Array, target: ReachedMailbox): Promise<Completion> {
  const view = session.selected
  const refusal = refusalOf(view, 'te')
  if (refusal !== undefined) return refusal
  if (isSelected(view, target)) return no('The messages are in this mailbox already', 'CANNOT')
  const { store } = session.services
  const { account } = view.mirror
  const limited = limitMessages(session, positions)
  const uids = view.uidsAt(limited.positions)
  const moving = store.move(account, view.mailbox.id, uids, target.mailbox.id, optionsFor(target))
  const moved = await whileWaiting(session, moving)
  if (moved.uids.length === 0) return no('The messages are gone', 'EXPUNGEISSUED')
  // RFC 6851 section 4.3: COPYUID is said before the messages vanish.
  if (session.offer.has('UIDPLUS')) session.out.untagged(`OK [${copyUid(moved)}] Moved`)
  view.mirror.applyExpunged(moved.uids.map(([source]) => source))
  return ok('Move completed', limited.code)
}

/** RFC 4315 section 3. */
function copyUid({ uidValidity, uids }: Copied): string {
  const sources = formatSequenceSet(uids.map(([source]) => source))
  const copies = formatSequenceSet(uids.map(([, destination]) => destination))
  return `COPYUID ${uidValidity} ${sources} ${copies}`
}
