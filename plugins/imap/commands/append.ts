import type { NewMessage } from 'mailserver'
import { AppendTransfer } from '../append-transfer.ts'
import { command, LOGGED_IN } from '../command.ts'
import { bad, type Completion, ok } from '../completion.ts'
import type { ReachedMailbox } from '../mailbox-access.ts'
import type { Session } from '../session.ts'
import type { Arguments } from '../wire/arguments.ts'
import { formatSequenceSet } from '../wire/sequence-set.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

/** RFC 3501 section 6.3.11, with several messages as RFC 3502 has it: all are appended or none. */
export const append = command<never>({
  name: 'APPEND',
  states: LOGGED_IN,
  parse() {
    throw new SyntaxFault('Message literal expected')
  },
  run: async (): Promise<Completion> => bad('Message literal expected'),
  message: {
    takesMessage,
    receive: (head, args, literal, session) =>
      new AppendTransfer(session, head, (target, messages) => appendTo(session, target, messages)).receive(
        args,
        literal,
      ),
  },
})

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
