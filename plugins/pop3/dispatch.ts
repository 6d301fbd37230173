import type { CommandContext, TransactionContext } from './commands/command.ts'
import { COMMANDS } from './commands/table.ts'
import { parseCommandLine } from './wire/command-line.ts'
import { close, fault, type Reply, refuse } from './wire/reply.ts'

const LOCK_LOST = close(refuse('The lock of the mailbox was lost, nothing was removed', 'SYS/TEMP'))

/**
 * Runs one command line.
 * @throws whatever the store throws: a MailError, or a fault of ours
 */
export async function dispatch(context: CommandContext, line: Buffer): Promise<Reply> {
  const parsed = parseCommandLine(line)
  const command = parsed === undefined ? undefined : COMMANDS.get(parsed.keyword)
  if (parsed === undefined || command === undefined) return fault('Unknown command')
  if (context.maildrop?.isLost) return LOCK_LOST
  if (command.state === 'transaction') {
    return hasMaildrop(context) ? command.run(context, parsed.argument) : fault('Log in first')
  }
  if (command.state === 'authorization' && context.maildrop !== undefined) return fault('You are logged in already')
  return command.run(context, parsed.argument)
}

function hasMaildrop(context: CommandContext): context is TransactionContext {
  return context.maildrop !== undefined
}
