import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { type Address, addressKey, normalizeDomain, parseAddress } from '../mail/address.ts'
import { issueText } from './issue-text.ts'
import { isSecret, type Secret } from './secret.ts'
import { showValue } from './show-value.ts'
import { byteSize, duration } from './units.ts'

/** Workers beyond this are a slip of the keyboard. */
const MAX_WORKERS = 256

const SHAPE_OF_HASH = /^\$argon2id\$/

/** Schema of a text that `parse` understands; `expected` completes "expected …". */
function parsed<T>(expected: string, parse: (text: string) => T | undefined) {
  return z.unknown().transform((value, context): T => {
    const result = typeof value === 'string' ? parse(value) : undefined
    if (result !== undefined) return result
    context.addIssue({ code: 'custom', message: `expected ${expected}, got ${showValue(value)}` })
    return z.NEVER
  })
}

const hostName = () => parsed("a host name such as 'mx.example.org'", (text) => hostOf(text))
const domainName = () => parsed("a domain such as 'example.org'", (text) => hostOf(text))
const address = () => parsed("an address such as 'alice@example.org'", parseAddress)

/** Hands a value on to the schema that fits its kind, so that an error is about what was meant. */
function oneOf<A extends z.ZodType, B extends z.ZodType>(isFirst: (value: unknown) => boolean, first: A, second: B) {
  return z.unknown().transform((value, context): z.output<A> | z.output<B> => {
    const result = (isFirst(value) ? first : second).safeParse(value, { error: issueText })
    if (result.success) return result.data as z.output<A> | z.output<B>
    for (const { message, path } of result.error.issues) context.addIssue({ code: 'custom', message, path })
    return z.NEVER
  })
}

const isText = (value: unknown) => typeof value === 'string'
const secretOr = <T extends z.ZodType>(other: T) => oneOf(isSecret, z.custom<Secret>(isSecret), other)

// What was found is left out of the message on purpose: it may be a password in clear.
const password = () =>
  secretOr(
    z.custom<string>((value) => typeof value === 'string' && SHAPE_OF_HASH.test(value), {
      error: "expected an argon2id hash ('$argon2id$…') or a secret such as secret.env('ALICE_PASSWORD'), got neither",
    }),
  )

interface CheckedAccount {
  readonly address: Address
  readonly name?: string | undefined
  readonly password?: string | Secret | undefined
  readonly quotaBytes?: number
  readonly aliases: readonly Address[]
}

const domain = () =>
  oneOf(
    isText,
    domainName().transform((name): { name: string; catchAll?: Address; subaddressDelimiter: string } => ({
      name,
      subaddressDelimiter: '+',
    })),
    z.strictObject({
      name: domainName(),
      catchAll: address().optional(),
      subaddressDelimiter: z.string().max(1, { error: 'expected one character, or none' }).default('+'),
    }),
  )

const account = () =>
  oneOf(
    isText,
    address().transform((of): CheckedAccount => ({ address: of, aliases: [] })),
    z
      .strictObject({
        address: address(),
        name: z.string().optional(),
        password: password().optional(),
        quota: byteSize().optional(),
        aliases: z.array(address()).default([]),
      })
      .transform(({ quota, ...rest }): CheckedAccount => (quota === undefined ? rest : { ...rest, quotaBytes: quota })),
  )

const certificate = () =>
  z.strictObject({
    cert: secretOr(z.string({ error: 'expected the path of a PEM file, or a secret, got neither' })),
    key: secretOr(z.string({ error: 'expected the path of a PEM file, or a secret, got neither' })),
    names: z.array(hostName()).default([]),
  })

const addresses = () =>
  oneOf(
    Array.isArray,
    z.array(address()).min(1, { error: 'expected at least one address' }),
    address().transform((one) => [one]),
  )

const DEFAULT_RETRY = ['5m', '10m', '20m', '40m', '1h', '2h', '4h']

/** The core's part of a config; plugins check their own options. Defaults stand here alone. */
export const configSchema = z.strictObject({
  hostname: hostName(),
  domains: z.array(domain()),
  dataDir: z.string().min(1).default('./data'),
  tls: oneOf(
    Array.isArray,
    z.array(certificate()),
    certificate().transform((one) => [one]),
  ).prefault([]),
  clientCertificates: z
    .strictObject({
      ca: secretOr(z.string({ error: 'expected the path of a PEM file, or a secret, got neither' })),
    })
    .optional(),
  dns: z
    .strictObject({
      servers: z
        .array(parsed("an address such as '192.0.2.53' or '127.0.0.1:5353'", (text) => dnsServer(text)))
        .default([]),
      timeout: duration().default(5_000),
    })
    .prefault({}),
  workers: z
    .union([z.int().min(1).max(MAX_WORKERS), z.literal('auto').transform(() => availableParallelism())], {
      error: (issue) => `expected a whole number from 1 to ${MAX_WORKERS}, or 'auto', got ${showValue(issue.input)}`,
    })
    .default(1),
  limits: z
    .strictObject({
      messageSize: byteSize().default(50 * 1024 ** 2),
      recipients: z.int().min(1).default(1000),
      drain: duration().default(30_000),
      reload: duration().default(3_600_000),
      journey: duration().default(30 * 86_400_000),
    })
    .prefault({}),
  queue: z
    .strictObject({
      retry: z.array(duration()).min(1, { error: 'expected at least one wait' }).prefault(DEFAULT_RETRY),
      jitter: z.number().min(0).max(1).default(0.1),
      lifetime: duration().prefault('5d'),
      warnAfter: duration().prefault('4h'),
    })
    .prefault({}),
  plugins: z.array(z.unknown()),
  accounts: z.array(account()).default([]),
  aliases: z
    .record(z.string(), addresses())
    .prefault({})
    .transform((aliases, context) =>
      Object.fromEntries(
        Object.entries(aliases).flatMap(([text, targets]) => {
          const parsedKey = parseAddress(text)
          const isOfItself = targets.some(
            (target) => parsedKey !== undefined && addressKey(target) === addressKey(parsedKey),
          )
          if (isOfItself) {
            context.addIssue({
              code: 'custom',
              message: 'expected other addresses, got the alias itself',
              path: [text],
            })
          }
          if (parsedKey !== undefined) return [[text, { address: parsedKey, targets }] as const]
          const message = `expected an address such as 'info@example.org' on the left, got ${showValue(text)}`
          context.addIssue({ code: 'custom', message, path: [text] })
          return []
        }),
      ),
    ),
  provide: z.record(z.string(), z.string()).default({}),
  onError: z.record(z.string(), z.enum(['defer', 'continue'])).default({}),
  log: z.strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
})

export type CheckedConfig = z.output<typeof configSchema>

function hostOf(text: string): string | undefined {
  return text.startsWith('[') ? undefined : normalizeDomain(text)
}

/** `address`, `address:port` or `[address]:port`, as node:dns takes it. */
function dnsServer(text: string): string | undefined {
  if (isIP(text) !== 0) return text
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text)
  const host = match?.[1] ?? match?.[2] ?? ''
  const port = Number(match?.[3] ?? 53)
  const isAddress = match?.[1] === undefined ? isIP(host) === 4 : isIP(host) === 6
  return isAddress && port > 0 && port < 65_536 ? text : undefined
}
