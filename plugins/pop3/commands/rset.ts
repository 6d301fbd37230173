import { ok } from '../wire/reply.ts'
import type { Command } from './command.ts'

/** RFC 1939 section 5. */
export const rset: Command = {
  keyword: 'RSET',
  state: 'transaction',
  run({ maildrop }) {
    maildrop.unmarkAll()
    return ok(`${maildrop.count} messages (${maildrop.octets} octets)`)
  },
}
