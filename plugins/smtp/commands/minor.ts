import type { Dialog } from '../dialog.ts'
import { type Reply, reply } from '../wire/reply.ts'

/** RSET (RFC 5321 section 4.1.1.5). */
export function rset(dialog: Dialog): Reply {
  dialog.intake.reset()
  dialog.transaction = undefined
  return reply(250, '2.0.0', 'Ok')
}

/** NOOP (RFC 5321 section 4.1.1.9); its argument means nothing. */
export function noop(): Reply {
  return reply(250, '2.0.0', 'Ok')
}

/** QUIT (RFC 5321 section 4.1.1.10). */
export function quit({ profile }: Dialog): Reply {
  return reply(221, '2.0.0', `${profile.hostname} closing connection`, { kind: 'quit' })
}

/** VRFY (RFC 5321 section 3.5.3): who exists here is told by RCPT alone. */
export function vrfy(_dialog: Dialog, argument: string): Reply {
  if (argument.trim() === '') return reply(501, '5.5.4', 'Syntax: VRFY address')
  return reply(252, '2.0.0', 'Cannot VRFY user, but will take message and try to deliver it')
}

/** HELP (RFC 5321 section 4.1.1.8). */
export function help(): Reply {
  return reply(214, '2.0.0', 'See RFC 5321')
}

/** A command we know of and do not have (RFC 5321 section 4.2.4). */
export function notImplemented(): Reply {
  return reply(502, '5.5.1', 'Command not implemented')
}
