import { openOctets } from '../message-octets.ts'
import { ok } from '../wire/reply.ts'
import type { Command } from './command.ts'
import { isReply, messageOf } from './message-argument.ts'

/** RFC 1939 section 5. */
export const retr: Command = {
  keyword: 'RETR',
  state: 'transaction',
  async run({ maildrop, isUtf8 }, argument) {
    const message = messageOf(maildrop, argument)
    if (isReply(message)) return message
    const octets = await openOctets(maildrop, message, { isUtf8 })
    return { ...ok(`${message.size} octets`), octets: { ...octets, sent: () => maildrop.markRetrieved(message) } }
  },
}
