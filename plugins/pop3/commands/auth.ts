import { parsePlain } from '../wire/plain.ts'
import { fault, ok, type Reply } from '../wire/reply.ts'
import type { Command, CommandContext } from './command.ts'
import { TLS_FIRST } from './tls-first.ts'

/** RFC 5034, with the PLAIN mechanism (RFC 4616). */
export const auth: Command = {
  keyword: 'AUTH',
  state: 'authorization',
  run(context, argument) {
    if (!context.isTls) return TLS_FIRST
    const [mechanism = '', initialResponse, ...rest] = argument.trim().split(' ')
    // Not in the RFC, but clients ask it to learn the mechanisms.
    if (mechanism === '') return { ...ok('Mechanisms follow'), lines: ['PLAIN'] }
    if (mechanism.toUpperCase() !== 'PLAIN') return fault('Unknown mechanism')
    if (rest.length > 0) return fault('AUTH has two arguments at most')
    if (initialResponse !== undefined) return respond(context, initialResponse)
    // RFC 5034 section 4: an empty challenge.
    return { status: '+ ', next: { answer: (line) => respond(context, line) } }
  },
}

async function respond(context: CommandContext, response: string): Promise<Reply> {
  if (response === '*') return fault('Cancelled')
  const plain = parsePlain(response)
  if (plain === undefined) return fault('Malformed response')
  const { authorizationId, login, password } = plain
  return context.login({
    mechanism: 'PLAIN',
    login,
    password,
    ...(authorizationId !== undefined && { authorizationId }),
  })
}
