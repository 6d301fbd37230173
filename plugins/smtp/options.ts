import { duration } from 'mailserver'
import { z } from 'zod'

/** RFC 5321 section 4.5.3.1.4 has 512 octets with CRLF as the least; the parameters of DSN alone add 1100. */
const MIN_COMMAND_BYTES = 512

const limits = z
  .strictObject({
    /** Connections at once. */
    connections: z.number().int().positive().default(1000),
    /** Connections at once from one address (IPv6: from one /64). */
    perAddress: z.number().int().positive().default(50),
    /** Octets of a command line. */
    commandBytes: z.number().int().min(MIN_COMMAND_BYTES).default(2048),
    /** Octets of a line of a message without CRLF; 0 for no limit (RFC 5321 section 4.5.3.1.6). */
    textLineBytes: z.number().int().min(0).default(998),
    /** Refused commands and recipients before the session is ended; counted anew after each message that is taken. */
    errors: z.number().int().positive().default(20),
    /** Commands that lead nowhere (NOOP, RSET, VRFY, HELP, EHLO) between two messages. */
    junkCommands: z.number().int().positive().default(100),
    /** Wrong passwords before the session is ended. */
    authFailures: z.number().int().positive().default(3),
    /** How long the peer may be silent; RFC 5321 section 4.5.3.2.7 asks for at least five minutes. */
    idleTimeout: duration().prefault('5m'),
    /** How long a TLS handshake may take. */
    handshakeTimeout: duration().prefault('30s'),
  })
  .prefault({})

/** What all three listeners take. @param listen where it listens when the config does not say */
export function optionsWith(listen: readonly string[]) {
  const endpoint = z.string().min(1)
  return z.strictObject({
    /** Endpoints: `'127.0.0.1:2525'`, `'[::1]:25'`, `'*:25'`, `'tls://*:465'`, `'unix:/run/lmtp.sock'`. */
    listen: z
      .union([endpoint, z.array(endpoint).min(1)])
      .default([...listen])
      .transform((value) => (typeof value === 'string' ? [value] : value)),
    /** Words after the hostname in the greeting. */
    banner: z
      .string()
      .regex(/^[ -~]*$/, 'expected printable ASCII')
      .default(''),
    /** Waits so long before the greeting and refuses whoever speaks meanwhile; 0 does not wait. */
    earlyTalkerMs: z.number().int().min(0).max(30_000).default(0),
    limits,
  })
}

export type ListenerOptions = z.output<ReturnType<typeof optionsWith>>
export type Limits = ListenerOptions['limits']
