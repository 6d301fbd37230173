import type { Dialog } from '../dialog.ts'
import { type Reply, reply } from '../wire/reply.ts'

/** STARTTLS (RFC 3207 section 4). */
export function startTls({ profile, isTls }: Dialog, argument: string): Reply {
  if (!profile.offersTls) return reply(502, '5.5.1', 'STARTTLS is not offered here')
  if (isTls) return reply(503, '5.5.1', 'TLS is active already')
  if (argument.trim() !== '') return reply(501, '5.5.4', 'Syntax: STARTTLS')
  return reply(220, '2.0.0', 'Ready to start TLS', { kind: 'start-tls' })
}
