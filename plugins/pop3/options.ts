import { duration } from 'mailserver'
import { z } from 'zod'

const TEN_MINUTES_MS = 600_000

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
})
