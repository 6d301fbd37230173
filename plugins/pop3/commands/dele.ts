import { ok } from '../wire/reply.ts'
import type { Command } from './command.ts'
import { isReply, messageOf } from './message-argument.ts'

/** RFC 1939 section 5: marks alone. What is marked goes with QUIT. */
export const dele: Command = {
  keyword: 'DELE',
  state: 'transaction',
  run({ maildrop }, argument) {
    const message = messageOf(maildrop, argument)
    if (isReply(message)) return message
    maildrop.markDeleted(message)
    return ok('Marked for deletion')
  },
}
