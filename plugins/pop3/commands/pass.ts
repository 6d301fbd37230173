import { fault } from '../wire/reply.ts'
import type { Command } from './command.ts'
import { TLS_FIRST } from './tls-first.ts'

/** RFC 1939 section 7. The password is the whole rest of the line, spaces too. */
export const pass: Command = {
  keyword: 'PASS',
  state: 'authorization',
  async run(context, argument) {
    if (!context.isTls) return TLS_FIRST
    const login = context.loginName
    context.loginName = undefined
    if (login === undefined) return fault('Give USER first')
    if (argument === '') return fault('A password is needed')
    const account = await context.prove(() => context.authenticate(login, argument))
    return 'kind' in account ? account.reply : context.logIn(account)
  },
}
