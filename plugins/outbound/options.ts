import { duration, Secret } from 'mailserver'
import { z } from 'zod'
import { parseNextHop, type TlsMode } from './next-hop.ts'

const port = z.int().min(1).max(65_535)

const smarthostObject = z.object({
  host: z.string().min(1),
  port: port.optional(),
  tls: z.enum(['starttls', 'implicit', 'none', 'opportunistic']).default('starttls'),
  /** Check the certificate against the host's name; `starttls` and `implicit` only. */
  verify: z.boolean().default(true),
  /** PEM file of a private authority that signs its certificate. */
  ca: z.string().optional(),
  auth: z.object({ user: z.string().min(1), pass: z.union([z.string().min(1), z.instanceof(Secret)]) }).optional(),
})

export interface Smarthost {
  readonly host: string
  readonly port: number
  readonly tls: TlsMode
  readonly verify: boolean
  readonly ca?: string | undefined
  readonly auth?: { readonly user: string; readonly pass: string | Secret } | undefined
}

const smarthost = z.union([
  z.string().transform((text, context): Smarthost => {
    const hop = parseNextHop(text)
    if (hop === undefined) {
      context.addIssue({
        code: 'custom',
        message: "expected a URL such as 'smtp://user:password@host:587' or 'smtps://host'",
      })
      return z.NEVER
    }
    const { user, password, ...rest } = hop
    return { ...rest, verify: true, ...(user !== undefined && { auth: { user, pass: password ?? '' } }) }
  }),
  smarthostObject.transform(({ port: given, ...rest }): Smarthost => {
    const usual = rest.tls === 'implicit' ? 465 : rest.auth === undefined ? 25 : 587
    return { ...rest, port: given ?? usual }
  }),
])

/** RFC 5321 section 4.5.3.2 names least times: greeting, MAIL and RCPT 5 minutes, the end of the data 10. */
const timeouts = z.object({
  connect: duration().default(30_000),
  greeting: duration().default(300_000),
  /** Any answer to a command, and any progress of the data. */
  command: duration().default(300_000),
  /** The answer to the end of the data. */
  data: duration().default(600_000),
  /** The whole attempt, all hosts together. Below the hour after which the queue takes a claim back. */
  attempt: duration()
    .default(1_800_000)
    .refine((ms) => ms <= 2_700_000, 'expected 45 minutes at most'),
})

export const outboundOptions = z.object({
  /** Where everything goes, instead of to the MX of each domain. */
  smarthost: smarthost.optional(),
  concurrency: z
    .object({
      /** Attempts at once, in each worker. */
      total: z.int().min(1).max(1000).default(50),
      /** Attempts at once to one domain or next hop, in each worker. */
      perDestination: z.int().min(1).max(1000).default(10),
    })
    .prefault({}),
  connections: z
    .object({
      /** Messages sent over one connection before it is closed. */
      maxMessages: z.int().min(1).default(100),
      /** How long a connection is kept for the next message. */
      idle: duration().default(10_000),
    })
    .prefault({}),
  timeouts: timeouts.prefault({}),
  /** Local address that connections come from. */
  sourceAddress: z.union([z.ipv4(), z.ipv6()]).optional(),
  /** Port of servers found by MX. */
  port: port.default(25),
  /** Name said in EHLO; the server's own when left out. */
  heloName: z.string().min(1).optional(),
  /** Addresses that are ours without standing on an interface (behind NAT): an MX that points there is a loop. */
  ownAddresses: z.array(z.union([z.ipv4(), z.ipv6()])).default([]),
  /** Lets an MX point to 127.0.0.0/8 or ::1. Otherwise that is a loop. */
  allowLoopback: z.boolean().default(false),
  /** How long a host that could not be reached is passed over. */
  deadHost: duration().default(60_000),
})

export type OutboundOptions = z.output<typeof outboundOptions>
