import type { Maildrop } from '../maildrop.ts'
import type { Message } from '../message-columns.ts'
import { parseNumber } from '../wire/command-line.ts'
import { fault, type Reply, refuse } from '../wire/reply.ts'

/** The message that an argument names, or the answer when it names none. */
export function messageOf(maildrop: Maildrop, argument: string): Message | Reply {
  const number = parseNumber(argument.trim())
  if (number === undefined) return fault('A message number is needed')
  return maildrop.message(number) ?? refuse('No such message')
}

export const isReply = (value: Message | Reply): value is Reply => 'status' in value
