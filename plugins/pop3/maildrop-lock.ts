import { type Engine, type Lease, MailError } from 'mailserver'

/** A session that ends without releasing it (its process died) blocks the mailbox for this long. */
const LEASE_MS = 60_000

/**
 * The exclusive-access lock of a maildrop (RFC 1939 section 4), held in the Engine: one POP3 session in all workers. Other
 * protocols go on.
 * @throws MailError IN_USE
 */
export async function lockMaildrop(engine: Engine, account: string): Promise<Lease> {
  const lease = await engine.lease(`pop3:${account}`, LEASE_MS)
  if (lease === undefined) throw new MailError('IN_USE', `another session has the maildrop of ${account}`)
  return lease
}
