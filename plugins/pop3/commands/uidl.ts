import type { Maildrop } from '../maildrop.ts'
import { ok } from '../wire/reply.ts'
import type { Command } from './command.ts'
import { isReply, messageOf } from './message-argument.ts'

/** RFC 1939 section 7. */
export const uidl: Command = {
  keyword: 'UIDL',
  state: 'transaction',
  run({ maildrop }, argument) {
    if (argument.trim() === '') return { ...ok('Unique-ids follow'), lines: uniqueIds(maildrop) }
    const message = messageOf(maildrop, argument)
    return isReply(message) ? message : ok(`${message.number} ${maildrop.uniqueId(message.number)}`)
  },
}

function* uniqueIds(maildrop: Maildrop): IterableIterator<string> {
  for (const number of maildrop.numbers()) yield `${number} ${maildrop.uniqueId(number)}`
}
