import { auth } from './commands/auth.ts'
import { data } from './commands/data.ts'
import { hello } from './commands/hello.ts'
import { mail } from './commands/mail.ts'
import { help, noop, notImplemented, quit, rset, vrfy } from './commands/minor.ts'
import { rcpt } from './commands/rcpt.ts'
import { startTls } from './commands/start-tls.ts'
import type { Dialog } from './dialog.ts'
import type { Reply } from './wire/reply.ts'

export interface Command {
  /** @param argument what follows the verb and one space */
  readonly run: (dialog: Dialog, argument: string) => Reply | Promise<Reply>
  /** Only after HELO, EHLO or LHLO. */
  readonly needsHello?: true
  /** Leads to no message: it is counted, and too many end the session. */
  readonly isJunk?: true
}

/** Every command there is, by verb. What is not here does not exist, whatever a class or object may have of that name. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['EHLO', { run: (dialog, argument) => hello(dialog, argument, 'EHLO'), isJunk: true }],
  ['HELO', { run: (dialog, argument) => hello(dialog, argument, 'HELO'), isJunk: true }],
  ['LHLO', { run: (dialog, argument) => hello(dialog, argument, 'LHLO'), isJunk: true }],
  ['MAIL', { run: mail, needsHello: true }],
  ['RCPT', { run: rcpt, needsHello: true }],
  ['DATA', { run: data, needsHello: true }],
  ['AUTH', { run: auth, needsHello: true }],
  ['STARTTLS', { run: startTls }],
  ['RSET', { run: rset, isJunk: true }],
  ['NOOP', { run: noop, isJunk: true }],
  ['VRFY', { run: vrfy, isJunk: true }],
  ['HELP', { run: help, isJunk: true }],
  ['QUIT', { run: quit }],
  ['BDAT', { run: notImplemented }],
  ['BURL', { run: notImplemented }],
  ['ETRN', { run: notImplemented }],
  ['EXPN', { run: notImplemented }],
  ['TURN', { run: notImplemented }],
  ['ATRN', { run: notImplemented }],
  ['XCLIENT', { run: notImplemented }],
  ['XFORWARD', { run: notImplemented }],
])
