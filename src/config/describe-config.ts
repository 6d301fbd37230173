import { createHash } from 'node:crypto'
import { validOptions } from '../kernel/host.ts'
import { formatAddress } from '../mail/address.ts'
import { isPlain } from './deep-freeze.ts'
import type { ResolvedConfig } from './resolved-config.ts'
import { isSecret, type Secret } from './secret.ts'
import { redactUrl } from './show-value.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** A configuration as JSON, without its secrets: what `config print` shows and `config plan` compares. */
export interface ConfigDescription {
  readonly file: string
  readonly hostname: string
  readonly dataDir: string
  readonly workers: number
  readonly log: string
  readonly domains: readonly {
    readonly name: string
    readonly catchAll?: string
    readonly subaddressDelimiter: string
  }[]
  readonly tls: readonly { readonly cert: string; readonly key: string; readonly names: readonly string[] }[]
  readonly clientCa?: string
  readonly dns: { readonly servers: readonly string[]; readonly timeoutMs: number }
  readonly limits: Readonly<Record<string, number>>
  readonly queue: { readonly [key: string]: Json }
  readonly plugins: readonly { readonly name: string; readonly version: string | null; readonly options: Json }[]
  readonly accounts: readonly {
    readonly address: string
    readonly name?: string
    readonly password: string
    readonly quotaBytes?: number
    readonly aliases: readonly string[]
  }[]
  readonly aliases: Readonly<Record<string, readonly string[]>>
  readonly provide: Readonly<Record<string, string>>
  readonly onError: Readonly<Record<string, string>>
}

export async function describeConfig(config: ResolvedConfig): Promise<ConfigDescription> {
  const { file, hostname, dataDir, workers, dns, limits, queue, prefer, onError } = config
  const plugins = config.plugins.map(async (plugin) => ({
    name: plugin.name,
    version: plugin.version ?? null,
    options: describeValue(await validOptions(plugin)),
  }))
  return {
    file,
    hostname,
    dataDir,
    workers,
    log: config.log.level,
    domains: config.domains.map(({ name, catchAll, subaddressDelimiter }) => ({
      name,
      ...(catchAll && { catchAll: formatAddress(catchAll) }),
      subaddressDelimiter,
    })),
    tls: config.tls.map(({ cert, key, names }) => ({ cert: pathOrSecret(cert), key: pathOrSecret(key), names })),
    ...(config.clientCa !== undefined && { clientCa: pathOrSecret(config.clientCa) }),
    dns,
    limits,
    queue,
    plugins: await Promise.all(plugins),
    accounts: config.accounts.map(({ address, aliases, password, name, quotaBytes }) => ({
      address: formatAddress(address),
      ...(name !== undefined && { name }),
      password: describePassword(password),
      ...(quotaBytes !== undefined && { quotaBytes }),
      aliases: aliases.map(formatAddress),
    })),
    aliases: Object.fromEntries(
      config.aliases.map(({ address, targets }) => [formatAddress(address), targets.map(formatAddress)]),
    ),
    provide: prefer,
    onError,
  }
}

const SECRET_NAME = /pass(?:word|phrase)?$|secret$|token$|api_?key$|^keys?$|credentials?$/i
const MAX_DEPTH = 16

/** Options as JSON: secrets by where they come from, functions by name and a digest that changes with their source. */
export function describeValue(value: unknown, name = '', depth = 0): Json {
  if (value === undefined || value === null) return null
  if (isSecret(value)) return String(value)
  if (SECRET_NAME.test(name) && typeof value === 'string') return '[redacted]'
  if (typeof value === 'string') return redactUrl(value)
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'function') return `[function ${value.name || 'anonymous'} ${digest(String(value))}]`
  if (typeof value !== 'object') return String(value)
  if (value instanceof RegExp || value instanceof URL) return redactUrl(String(value))
  if (value instanceof Date) return value.toISOString()
  if (depth > MAX_DEPTH) return '[…]'
  if (Array.isArray(value)) return value.map((inner) => describeValue(inner, name, depth + 1))
  if (value instanceof Set) return [...value].map((inner) => describeValue(inner, name, depth + 1))
  if (Buffer.isBuffer(value) || ArrayBuffer.isView(value)) return `[${value.byteLength} octets]`
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  if (!isPlain(value) && entries.length === 0) return `[${(value as object).constructor?.name ?? 'object'}]`
  return Object.fromEntries(entries.map(([key, inner]) => [String(key), describeValue(inner, String(key), depth + 1)]))
}

function pathOrSecret(of: string | Secret): string {
  return isSecret(of) ? String(of) : of
}

function describePassword(password: string | Secret | undefined): string {
  if (password === undefined) return '[made at the first start]'
  // The digest of a salted hash tells that it changed and nothing else.
  return isSecret(password) ? String(password) : `[hash ${digest(password)}]`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}
