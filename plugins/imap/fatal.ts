import { BrokenResponse, SessionEnd } from './session-end.ts'
import { Interrupted } from './transport.ts'
import { MailboxClosed, MailboxGone } from './updates.ts'
import { PeerGone, PeerSilent } from './wire/octet-input.ts'

const FATAL = [PeerGone, PeerSilent, Interrupted, MailboxGone, MailboxClosed, BrokenResponse, SessionEnd] as const

/** Does this end the session? Everything else is answered. */
export function isFatal(cause: unknown): boolean {
  return FATAL.some((kind) => cause instanceof kind)
}
