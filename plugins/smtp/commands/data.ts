import type { Dialog } from '../dialog.ts'
import { type Reply, reply } from '../wire/reply.ts'

/** DATA (RFC 5321 section 4.1.1.4). */
export function data({ transaction }: Dialog, argument: string): Reply {
  if (transaction === undefined) return reply(503, '5.5.1', 'Say MAIL first')
  if (argument.trim() !== '') return reply(501, '5.5.4', 'Syntax: DATA')
  // RFC 2033 section 4.2 wants 503 in LMTP; RFC 5321 section 3.3 allows either.
  if (transaction.recipients === 0) return reply(503, '5.5.1', 'No valid recipients')
  return reply(354, undefined, 'End data with <CR><LF>.<CR><LF>', { kind: 'data' })
}
