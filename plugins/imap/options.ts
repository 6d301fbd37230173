import { type Address, duration, parseAddress } from 'mailserver'
import { z } from 'zod'
import { SWITCHABLE } from './capability-table.ts'
import { DEFAULT_LIMITS, type ImapLimits } from './limits.ts'
import type { Sharing } from './sharing.ts'

const THIRTY_MINUTES_MS = 30 * 60_000

const count = () => z.number().int().positive().optional()
const octets = () => z.number().int().positive().optional()

const address = () =>
  z
    .string()
    .refine((text) => parseAddress(text) !== undefined, "expected an address such as 'public@example.org'")
    .transform((text) => parseAddress(text) as Address)

/** A capability by its name, in any case; a name alone is all that begin so: `COMPRESS` is `COMPRESS=DEFLATE`. */
function namedCapabilities(text: string): readonly string[] {
  const name = text.toUpperCase()
  const exact = [...SWITCHABLE].filter((known) => known.toUpperCase() === name)
  return exact.length > 0 ? exact : [...SWITCHABLE].filter((known) => known.toUpperCase().startsWith(`${name}=`))
}

const capabilities = () =>
  z
    .array(
      z.string().refine((text) => namedCapabilities(text).length > 0, `expected one of ${[...SWITCHABLE].join(', ')}`),
    )
    .transform((names) => names.flatMap(namedCapabilities))

const clientRule = z.strictObject({
  /** Fields of ID, e.g. `{ name: /Outlook/ }`. */
  id: z.record(z.string(), z.union([z.string(), z.instanceof(RegExp)])),
  disable: capabilities(),
})

const limits = z
  .strictObject({
    /** Connections at once, and of one address. */
    connections: z.number().int().positive().default(10_000),
    perAddress: z.number().int().positive().default(200),
    lineBytes: octets(),
    literalBytes: octets(),
    commandBytes: octets(),
    skipBytes: octets(),
    badCommands: count(),
    /** Messages that one command works on, and that one COPY or APPEND saves; no limit when left out. */
    messages: count(),
    saves: count(),
    loginFailures: count(),
    loginTimeout: duration().optional(),
    loginDelay: duration().optional(),
    /** Autologout; RFC 3501 section 5.4 has 30 minutes for the least. */
    idleTimeout: duration()
      .refine((ms) => ms >= THIRTY_MINUTES_MS, "expected '30m' or more (RFC 3501 section 5.4)")
      .optional(),
    stallTimeout: duration().optional(),
  })
  .prefault({})

export const imapOptions = z.strictObject({
  /** `'*:143'` (TLS by STARTTLS) and `'tls://*:993'` (TLS from the first octet) when left out. */
  listen: z
    .union([z.string(), z.array(z.string()).min(1)])
    .default(['*:143', 'tls://*:993'])
    .transform((listen) => [listen].flat()),
  /** The account whose mailboxes all may find under `Shared`, as its access control lists let them. */
  shared: address().optional(),
  /** Accounts that have every right under `Shared`, set quotas and write the server's annotations. */
  administrators: z.array(address()).default([]),
  /** A URI by which the administrator is reached, e.g. `'mailto:postmaster@example.org'` (RFC 5464 section 3.2.1.1). */
  adminContact: z.url().optional(),
  /** Hundredths of a quota from which on a user is told so once a session; 0 for never. */
  quotaAlert: z.number().int().min(0).max(100).default(90),
  /** Capabilities that no client is offered, with all that belongs to them. */
  disable: capabilities().default([]),
  /** Clients that are offered less, once they have said by ID what they are. */
  clients: z.array(clientRule).default([]),
  limits,
})

export type ImapOptions = z.output<typeof imapOptions>

export function sharingOf({ shared, administrators, quotaAlert, adminContact }: ImapOptions): Sharing {
  return { shared, administrators, quotaAlert, adminContact }
}

/** The limits of a session: the defaults, and what the config says instead. */
export function limitsOf({ limits }: ImapOptions): ImapLimits {
  const { loginTimeout, loginDelay, idleTimeout, stallTimeout, connections: _all, perAddress: _each, ...rest } = limits
  const given = {
    ...rest,
    loginTimeoutMs: loginTimeout,
    loginDelayMs: loginDelay,
    idleTimeoutMs: idleTimeout,
    stallTimeoutMs: stallTimeout,
  }
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) }
}
