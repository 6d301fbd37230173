import { openOctets } from '../message-octets.ts'
import { parseNumber } from '../wire/command-line.ts'
import { fault, ok } from '../wire/reply.ts'
import type { Command } from './command.ts'
import { isReply, messageOf } from './message-argument.ts'

/** RFC 1939 section 7. */
export const top: Command = {
  keyword: 'TOP',
  state: 'transaction',
  async run({ maildrop, isUtf8 }, argument) {
    const [number = '', lines = '', ...rest] = argument.trim().split(/ +/)
    const bodyLines = parseNumber(lines)
    if (bodyLines === undefined || rest.length > 0) return fault('A message number and a count of lines are needed')
    const message = messageOf(maildrop, number)
    if (isReply(message)) return message
    return { ...ok('Top of message follows'), octets: await openOctets(maildrop, message, { isUtf8, bodyLines }) }
  },
}
