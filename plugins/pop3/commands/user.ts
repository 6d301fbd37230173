import { fault, ok } from '../wire/reply.ts'
import type { Command } from './command.ts'
import { TLS_FIRST } from './tls-first.ts'

/** RFC 1939 section 7. The same answer for every name: who exists is no secret to give away. */
export const user: Command = {
  keyword: 'USER',
  state: 'authorization',
  run(context, argument) {
    if (!context.isTls) return TLS_FIRST
    const name = argument.trim()
    if (name === '') return fault('A name is needed')
    context.loginName = name
    return ok('Send the password')
  },
}
