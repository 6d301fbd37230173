import { ok } from '../wire/reply.ts'
import type { Command, CommandContext } from './command.ts'

/** RFC 2449 section 5. */
export const capa: Command = {
  keyword: 'CAPA',
  state: 'any',
  run: (context) => ({ ...ok('Capability list follows'), lines: capabilities(context) }),
}

function capabilities({ isTls, maildrop, saslMechanisms, retention, loginDelay }: CommandContext): string[] {
  const isAuthorization = maildrop === undefined
  return [
    'TOP',
    'UIDL',
    'RESP-CODES',
    'AUTH-RESP-CODE',
    'PIPELINING',
    `EXPIRE ${retention}`,
    ...(loginDelay === undefined ? [] : [`LOGIN-DELAY ${loginDelay}`]),
    // RFC 2595 section 4: what needs TLS first is not announced before.
    ...(isTls ? ['USER', `SASL ${saslMechanisms.join(' ')}`] : []),
    ...(!isTls && isAuthorization ? ['STLS'] : []),
    'UTF8 USER',
    'LANG',
    'IMPLEMENTATION mailserver',
  ]
}
