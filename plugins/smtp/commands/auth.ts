import { type Credentials, codeOf } from 'mailserver'
import type { Dialog } from '../dialog.ts'
import { authReplyFor } from '../reply-for.ts'
import { CLOSE, type Reply, reply } from '../wire/reply.ts'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const NOT_DECODED = reply(501, '5.5.2', 'Cannot decode that')
const CANCELLED = reply(501, '5.7.0', 'Authentication cancelled')

type Login = Omit<Credentials, 'protocol' | 'remoteAddress'>

/** AUTH with PLAIN (RFC 4616) and LOGIN (RFC 4954 section 4). */
export async function auth(dialog: Dialog, argument: string): Promise<Reply> {
  const { profile, isTls, account, transaction } = dialog
  if (profile.role !== 'submission') return reply(502, '5.5.1', 'AUTH is not offered here')
  if (!isTls) return reply(538, '5.7.11', 'Encryption required for authentication: say STARTTLS first')
  if (account !== undefined) return reply(503, '5.5.1', 'You are logged in already')
  if (transaction !== undefined) return reply(503, '5.5.1', 'Not during a mail transaction')
  const [mechanism = '', initial, ...more] = argument.trim().split(/\s+/)
  if (mechanism === '' || more.length > 0) return reply(501, '5.5.4', 'Syntax: AUTH mechanism [initial-response]')
  switch (mechanism.toUpperCase()) {
    case 'PLAIN':
      return initial === undefined ? ask('', (text) => plain(dialog, text)) : plainNow(dialog, initial)
    case 'LOGIN':
      return initial === undefined
        ? ask('VXNlcm5hbWU6', (login) => password(dialog, login))
        : decoded(initial, (login) => password(dialog, login))
    default:
      return reply(504, '5.5.4', 'That mechanism is not offered')
  }
}

/** RFC 4954 section 4: `=` is an empty initial response. */
function plainNow(dialog: Dialog, initial: string): Promise<Reply> {
  return decoded(initial === '=' ? '' : initial, (text) => plain(dialog, text))
}

function password(dialog: Dialog, login: string): Promise<Reply> {
  return Promise.resolve(ask('UGFzc3dvcmQ6', (text) => logIn(dialog, { mechanism: 'LOGIN', login, password: text })))
}

async function plain(dialog: Dialog, text: string): Promise<Reply> {
  const [authorizationId = '', login, password, ...more] = text.split('\0')
  if (login === undefined || password === undefined || more.length > 0) return NOT_DECODED
  return logIn(dialog, {
    mechanism: 'PLAIN',
    login,
    password,
    ...(authorizationId !== '' && { authorizationId }),
  })
}

/** A challenge; the next line is its answer, `*` gives up (RFC 4954 section 4). */
function ask(challenge: string, then: (text: string) => Promise<Reply>): Reply {
  return reply(334, undefined, challenge, {
    kind: 'line',
    take: async (line) => {
      const text = line.toString('latin1').trim()
      return text === '*' ? CANCELLED : decoded(text, then)
    },
  })
}

async function decoded(text: string, then: (text: string) => Promise<Reply>): Promise<Reply> {
  return BASE64.test(text) ? then(Buffer.from(text, 'base64').toString('utf8')) : NOT_DECODED
}

async function logIn(dialog: Dialog, login: Login): Promise<Reply> {
  try {
    dialog.account = await dialog.intake.authenticate(login)
    return reply(235, '2.7.0', 'Authentication succeeded')
  } catch (error) {
    if (codeOf(error) !== 'AUTHENTICATION_FAILED') return authReplyFor(error)
    dialog.authFailures += 1
    const answer = authReplyFor(error)
    if (dialog.authFailures < dialog.profile.limits.authFailures) return answer
    return reply(421, '4.7.0', 'Too many wrong passwords', CLOSE)
  }
}
