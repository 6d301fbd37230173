import type { Dialog } from '../dialog.ts'
import { replyOf } from '../reply-for.ts'
import { type Reply, reply } from '../wire/reply.ts'

type Verb = 'HELO' | 'EHLO' | 'LHLO'

/** RFC 5321 section 4.5.3.1.2: a domain has 255 octets; some room for those who add to it. */
const MAX_NAME = 300

/** HELO and EHLO (RFC 5321 section 4.1.1.1), LHLO (RFC 2033 section 4.1). */
export async function hello(dialog: Dialog, argument: string, verb: Verb): Promise<Reply> {
  const { profile } = dialog
  if ((profile.role === 'lmtp') !== (verb === 'LHLO')) {
    return reply(500, '5.5.1', profile.role === 'lmtp' ? 'This is LMTP: say LHLO' : 'This is not LMTP: say EHLO')
  }
  const name = argument.trim()
  // Names are taken as they come, malformed ones too: real clients send them (RFC 5321 section 4.1.4).
  if (name === '' || /[\s\p{Cc}]/u.test(name) || name.length > MAX_NAME) {
    return reply(501, '5.5.4', `Syntax: ${verb} hostname`)
  }
  const isExtended = verb !== 'HELO'
  dialog.transaction = undefined
  dialog.hello = undefined
  const answer = await dialog.intake.helo(name, { extended: isExtended })
  if (!answer.ok) return replyOf(answer, reply(250, undefined, profile.hostname))
  dialog.hello = { name, isExtended }
  if (!isExtended) return reply(250, undefined, profile.hostname)
  return { code: 250, lines: [profile.hostname, ...extensions(dialog)] }
}

function extensions({ profile, isTls, account, saslMechanisms }: Dialog): string[] {
  const { messageBytes, offersTls, role } = profile
  return [
    'PIPELINING',
    messageBytes > 0 ? `SIZE ${messageBytes}` : 'SIZE',
    ...(offersTls && !isTls ? ['STARTTLS'] : []),
    // RFC 8314 section 3: no password before TLS; and on the MX there is nobody to log in.
    ...(role === 'submission' && isTls && account === undefined ? [`AUTH ${saslMechanisms.join(' ')}`] : []),
    'ENHANCEDSTATUSCODES',
    '8BITMIME',
    'DSN',
    'SMTPUTF8',
  ]
}
