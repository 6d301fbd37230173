import type { NewMessage } from 'mailserver'
import { AppendTransfer, type CommitMessages } from '../append-transfer.ts'
import { type Command, command, SELECTED } from '../command.ts'
import { bad, type Completion, no, ok } from '../completion.ts'
import { completionOfError } from '../completion-of-error.ts'
import { positionsOf } from '../known-messages.ts'
import type { ReachedMailbox } from '../mailbox-access.ts'
import type { Session } from '../session.ts'
import type { Arguments } from '../wire/arguments.ts'
import type { CommandHead } from '../wire/command-reader.ts'
import type { IncomingLiteral } from '../wire/incoming-literal.ts'
import { parseSequenceSet } from '../wire/sequence-set.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'
import { refusalOf } from './expunge.ts'

/** RFC 8508 section 3.3. */
export const replace = replacing('REPLACE', false)
/** RFC 8508 section 3.4. */
export const uidReplace = replacing('UID REPLACE', true)

function replacing(name: string, isUid: boolean): Command {
  const transfer = async (
    session: Session,
    head: CommandHead,
    args: Arguments,
    literal: IncomingLiteral | undefined,
  ): Promise<Completion> => {
    const place = await placeOf(args, session, isUid).catch(completionOfError)
    if ('status' in place) return literal === undefined ? place : session.input.refuse(literal, place)
    const commit: CommitMessages = (target, [message]) => replaceBy(session, place.uid, target, message as NewMessage)
    return new AppendTransfer(session, head, { args, literal }, commit, 1).receive()
  }
  return command<Arguments>({
    name,
    states: SELECTED,
    usesNumbers: !isUid,
    parse: (args) => args,
    run: (args, session) => transfer(session, { tag: session.tag, name }, args, undefined),
    message: {
      takesMessage,
      receive: (head, args, literal, session) => transfer(session, head, args, literal),
    },
  })
}

/** The first literal is the mailbox's name when no name stands before it. */
function takesMessage(args: Arguments): boolean {
  try {
    args.space()
    parseSequenceSet(args)
    args.space()
    args.astring()
    return args.skip(' ')
  } catch (cause) {
    if (cause instanceof SyntaxFault) return false
    throw cause
  }
}

/** The message that is replaced; or the answer to a client that may not, or names none. */
async function placeOf(args: Arguments, session: Session, isUid: boolean): Promise<{ uid: number } | Completion> {
  args.space()
  const set = parseSequenceSet(args)
  // RFC 8508 section 3.3: one message alone.
  if (set.length !== 1 || set[0]?.[0] !== set[0]?.[1]) return bad('One message expected')
  const refusal = refusalOf(session.selected, 'te')
  if (refusal !== undefined) return refusal
  const [position] = await positionsOf(session, set, isUid)
  if (position === undefined) return no('There is no such message')
  return { uid: session.selected.uidAt(position) }
}

async function replaceBy(
  session: Session,
  uid: number,
  { account, mailbox }: ReachedMailbox,
  message: NewMessage,
): Promise<Completion> {
  const { services, offer, selected: view, out } = session
  const from = view.mirror.account
  const target = { account, mailbox: mailbox.id }
  const appended = await services.store.replace(from, view.mailbox.id, uid, target, message)
  session.ownChanges.add(account, appended.modSeq)
  // RFC 8508 section 3.5: told before the old one vanishes.
  if (offer.has('UIDPLUS')) out.untagged(`OK [APPENDUID ${appended.uidValidity} ${appended.uid}] Replaced`)
  if (from === account && view.mailbox.id === mailbox.id) session.addedMessages([appended.uid])
  view.mirror.applyExpunged([uid])
  await view.mirror.refresh()
  return ok('Replace completed')
}
