import { addressKey, duration, parseAddress } from 'mailserver'
import { z } from 'zod'

const TEN_MINUTES_MS = 600_000

const mailbox = z.string().min(1)
const deletion = z.enum(['remove', 'keep', 'trash', 'archive'])
const expireDays = z.int().min(0).max(36_500)

const address = z.string().transform((text, context) => {
  const parsed = parseAddress(text)
  if (parsed !== undefined) return addressKey(parsed)
  context.addIssue({ code: 'custom', message: `expected an address, got '${text}'` })
  return z.NEVER
})

/** What one account has otherwise than the rest. */
const user = z.strictObject({
  mailbox: mailbox.optional(),
  deletion: deletion.optional(),
  marksSeen: z.boolean().optional(),
  expireDays: expireDays.optional(),
})

/** Options of `pop3()`. */
export const pop3Options = z.object({
  /** `'*:110'` (TLS by STLS) and `'tls://*:995'` when left out. */
  listen: z
    .union([z.string(), z.array(z.string()).min(1)])
    .default(['*:110', 'tls://*:995'])
    .transform((listen) => (typeof listen === 'string' ? [listen] : listen)),
  maxConnections: z.int().positive().default(1_000),
  maxConnectionsPerAddress: z.int().positive().default(50),
  /** Autologout; RFC 1939 section 3 has ten minutes for the least. */
  idleTimeout: duration()
    .default(TEN_MINUTES_MS)
    .refine((ms) => ms >= TEN_MINUTES_MS, "expected '10m' or more (RFC 1939 section 3)"),
  loginTimeout: duration().default(60_000),
  handshakeTimeout: duration().default(30_000),
  /** Wait before the first wrong password of a session is answered; doubles with each. */
  failureDelay: duration().default(1_000),
  /** Name of the mailbox that POP3 shows. */
  mailbox: mailbox.default('INBOX'),
  /**
   * What becomes of a message that a client deletes, at its QUIT. `remove`: it is gone. `keep`: it stays for other clients, and
   * POP3 shows it no more. `trash`, `archive`: it is moved to the mailbox of that use.
   */
  deletion: deletion.default('remove'),
  /** A message that was retrieved counts as read in other clients. */
  marksSeen: z.boolean().default(true),
  /** Days after its arrival at which a message that was retrieved is deleted; left out: never. 0 is at the QUIT after it. */
  expireDays: expireDays.optional(),
  /** How long after a login the next one of the account is refused (RFC 2449 section 6.5). */
  loginDelay: duration().default(0),
  /** Accounts that have some of these otherwise: `{ 'alice@example.org': { deletion: 'keep' } }`. */
  users: z.record(address, user).default({}),
})

export type Pop3Options = z.output<typeof pop3Options>
