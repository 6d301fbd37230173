import type { NewMessage } from 'mailserver'
import { AppendTransfer, type CommitMessages } from '../append-transfer.ts'
import { command, LOGGED_IN } from '../command.ts'
import { type Completion, ok } from '../completion.ts'
import type { ReachedMailbox } from '../mailbox-access.ts'
import type { Session } from '../session.ts'
import type { Arguments } from '../wire/arguments.ts'
import type { CommandHead } from '../wire/command-reader.ts'
import type { IncomingLiteral } from '../wire/incoming-literal.ts'
import { formatSequenceSet } from '../wire/sequence-set.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

/** RFC 3501 section 6.3.11, with several messages as RFC 3502 has it (all are appended or none), and RFC 4469. */
export const append = command<Arguments>({
  name: 'APPEND',
  states: LOGGED_IN,
  parse: (args) => args,
  run: (args, session) => transfer(session, { tag: session.tag, name: 'APPEND' }, args, undefined),
  message: {
    takesMessage,
    receive: (head, args, literal, session) => transfer(session, head, args, literal),
  },
})

function transfer(
  session: Session,
  head: CommandHead,
  args: Arguments,
  literal: IncomingLiteral | undefined,
): Promise<Completion> {
  const commit: CommitMessages = (target, messages) => appendTo(session, target, messages)
  return new AppendTransfer(session, head, { args, literal }, commit).receive()
}

/** The first literal is the mailbox's name when no name stands before it. */
function takesMessage(args: Arguments): boolean {
  try {
    args.space()
    args.astring()
    return args.skip(' ')
  } catch (cause) {
    if (cause instanceof SyntaxFault) return false
    throw cause
  }
}

async function appendTo(
  session: Session,
  { account, mailbox }: ReachedMailbox,
  messages: readonly NewMessage[],
): Promise<Completion> {
  const { services, view, offer } = session
  const appended = await services.store.append(account, mailbox.id, messages)
  for (const { modSeq } of appended.slice(0, 1)) session.ownChanges.add(account, modSeq)
  if (view?.mirror.account === account && view.mailbox.id === mailbox.id) {
    session.addedMessages(appended.map(({ uid }) => uid))
    await view.mirror.refresh()
  }
  const uids = formatSequenceSet(appended.map(({ uid }) => uid))
  return ok('Append completed', offer.has('UIDPLUS') ? `APPENDUID ${appended[0]?.uidValidity} ${uids}` : undefined)
}
