import type { Maildrop } from '../maildrop.ts'
import { ok } from '../wire/reply.ts'
import type { Command } from './command.ts'
import { isReply, messageOf } from './message-argument.ts'

/** RFC 1939 section 5. */
export const list: Command = {
  keyword: 'LIST',
  state: 'transaction',
  run({ maildrop }, argument) {
    if (argument.trim() === '') {
      return { ...ok(`${maildrop.count} messages (${maildrop.octets} octets)`), lines: sizes(maildrop) }
    }
    const message = messageOf(maildrop, argument)
    return isReply(message) ? message : ok(`${message.number} ${message.size}`)
  },
}

function* sizes(maildrop: Maildrop): IterableIterator<string> {
  for (const number of maildrop.numbers()) yield `${number} ${maildrop.size(number)}`
}
