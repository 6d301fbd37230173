import { codeOf, parseSaslInitial, parseSaslLine, type SaslExchange, type SaslLine } from 'mailserver'
import type { Dialog } from '../dialog.ts'
import { authReplyFor } from '../reply-for.ts'
import { CLOSE, type Reply, reply } from '../wire/reply.ts'

const NOT_DECODED = reply(501, '5.5.2', 'Cannot decode that')
const CANCELLED = reply(501, '5.7.0', 'Authentication cancelled')

/** AUTH (RFC 4954 section 4). */
export async function auth(dialog: Dialog, argument: string): Promise<Reply> {
  const { profile, isTls, account, transaction } = dialog
  if (profile.role !== 'submission') return reply(502, '5.5.1', 'AUTH is not offered here')
  if (!isTls) return reply(538, '5.7.11', 'Encryption required for authentication: say STARTTLS first')
  if (account !== undefined) return reply(503, '5.5.1', 'You are logged in already')
  if (transaction !== undefined) return reply(503, '5.5.1', 'Not during a mail transaction')
  const [mechanism = '', initial, ...more] = argument.trim().split(/\s+/)
  if (mechanism === '' || more.length > 0) return reply(501, '5.5.4', 'Syntax: AUTH mechanism [initial-response]')
  const exchange = dialog.startSasl(mechanism)
  if (exchange === undefined) return reply(504, '5.5.4', 'That mechanism is not offered')
  return initial === undefined ? step(dialog, exchange, undefined) : take(dialog, exchange, parseSaslInitial(initial))
}

async function take(dialog: Dialog, exchange: SaslExchange, line: SaslLine): Promise<Reply> {
  if (line.kind === 'cancelled') return CANCELLED
  return line.kind === 'malformed' ? NOT_DECODED : step(dialog, exchange, line.data)
}

async function step(dialog: Dialog, exchange: SaslExchange, response: Buffer | undefined): Promise<Reply> {
  try {
    const next = await exchange.respond(response)
    if (next.kind === 'challenge') {
      return reply(334, undefined, next.data.toString('base64'), {
        kind: 'line',
        take: (line) => take(dialog, exchange, parseSaslLine(line.toString('latin1').trim())),
      })
    }
    dialog.account = next.account
    dialog.intake.authenticated(next.account, exchange.mechanism)
    return reply(235, '2.7.0', 'Authentication succeeded')
  } catch (error) {
    return failed(dialog, error)
  }
}

function failed(dialog: Dialog, error: unknown): Reply {
  const code = codeOf(error)
  if (code === 'INVALID') return NOT_DECODED
  const answer = authReplyFor(error)
  if (code !== 'AUTHENTICATION_FAILED') return answer
  dialog.authFailures += 1
  if (dialog.authFailures < dialog.profile.limits.authFailures) return answer
  return reply(421, '4.7.0', 'Too many wrong passwords', CLOSE)
}
