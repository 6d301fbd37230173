import { smtpSource } from '../load/smtp-source.ts'
import type { Effort } from '../scenario.ts'
import type { System } from '../system.ts'

/** Peers are programs that were compiled long ago: only their caches fill. */
const PEER_MESSAGES = 2_000
/** The runtime of ours goes on compiling for some 20,000 messages; a quick run cannot wait for that. */
const OUR_MESSAGES = { full: 20_000, quick: 5_000 }

/**
 * Traffic before anything is timed, as a server that has run for some minutes has had.
 * @param options `withConnections`: also connections that end after one message, a third as many
 */
export async function warmUpSmtp(
  { name, ports }: System,
  { isQuick }: Effort,
  to: string,
  { withConnections = false } = {},
): Promise<void> {
  const messages = name.startsWith('ours') ? OUR_MESSAGES[isQuick ? 'quick' : 'full'] : PEER_MESSAGES
  const send = (count: number, reuse: boolean) =>
    smtpSource({ port: ports.smtp ?? 0, messages: count, sessions: 10, bytes: 2_000, reuse, to })
  await send(messages, true)
  // A peer has learnt nothing from the first ones that it would not know for these.
  if (withConnections && name.startsWith('ours')) await send(Math.round(messages / 3), false)
}
