import { ok } from '../wire/reply.ts'
import type { Command } from './command.ts'

/** RFC 1939 section 5. */
export const stat: Command = {
  keyword: 'STAT',
  state: 'transaction',
  run: ({ maildrop }) => ok(`${maildrop.count} ${maildrop.octets}`),
}
