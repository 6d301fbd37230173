import { codeOf, parseSaslInitial, parseSaslLine, type SaslExchange, type SaslLine } from 'mailserver'
import { fault, ok, type Reply } from '../wire/reply.ts'
import type { Command, CommandContext } from './command.ts'
import { TLS_FIRST } from './tls-first.ts'

const MALFORMED = fault('Malformed response')

/** RFC 5034. */
export const auth: Command = {
  keyword: 'AUTH',
  state: 'authorization',
  run(context, argument) {
    if (!context.isTls) return TLS_FIRST
    const [mechanism = '', initial, ...rest] = argument.trim().split(' ')
    // Not in the RFC, but clients ask it to learn the mechanisms.
    if (mechanism === '') return { ...ok('Mechanisms follow'), lines: context.saslMechanisms }
    if (rest.length > 0) return fault('AUTH has two arguments at most')
    const exchange = context.startSasl(mechanism)
    if (exchange === undefined) return fault('Unknown mechanism')
    return initial === undefined
      ? respond(context, exchange, undefined)
      : take(context, exchange, parseSaslInitial(initial))
  },
}

async function take(context: CommandContext, exchange: SaslExchange, line: SaslLine): Promise<Reply> {
  if (line.kind === 'cancelled') return fault('Cancelled')
  return line.kind === 'malformed' ? MALFORMED : respond(context, exchange, line.data)
}

async function respond(context: CommandContext, exchange: SaslExchange, response: Buffer | undefined): Promise<Reply> {
  const step = await context.prove(() => exchange.respond(response))
  if (step.kind === 'refused') return codeOf(step.cause) === 'INVALID' ? MALFORMED : step.reply
  if (step.kind === 'done') return context.logIn(step.account)
  return {
    status: `+ ${step.data.toString('base64')}`,
    next: { answer: (line) => take(context, exchange, parseSaslLine(line)) },
  }
}
