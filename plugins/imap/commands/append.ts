import { AppendTransfer } from '../append-transfer.ts'
import { command, LOGGED_IN } from '../command.ts'
import { bad, type Completion } from '../completion.ts'
import type { Arguments } from '../wire/arguments.ts'
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
    receive: (head, args, literal, session) => new AppendTransfer(session, head).receive(args, literal),
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
