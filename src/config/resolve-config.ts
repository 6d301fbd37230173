import { dirname, resolve } from 'node:path'
import { ConfigError, type ConfigProblem } from '../errors/config-error.ts'
import { validOptions } from '../kernel/host.ts'
import { addressKey } from '../mail/address.ts'
import type { PluginEntry } from './config.ts'
import { type CheckedConfig, configSchema } from './config-schema.ts'
import { deepFreeze } from './deep-freeze.ts'
import { flattenPlugins, type PlacedPlugin } from './flatten-plugins.ts'
import { issueText } from './issue-text.ts'
import type { ResolvedAccount, ResolvedConfig } from './resolved-config.ts'
import { isSecret, type Secret } from './secret.ts'

/**
 * Checks a config and fills in its defaults.
 * @param file absolute path of the file it came from: relative paths are relative to it
 * @throws ConfigError with every problem of the core's part and of each plugin's options
 */
export async function resolveConfig(raw: unknown, file: string): Promise<ResolvedConfig> {
  const result = configSchema.safeParse(raw, { error: issueText })
  const problems: ConfigProblem[] = (result.error?.issues ?? []).map(({ path, message }) => ({
    path: pathText(path),
    message,
  }))
  const entries = (raw as { plugins?: unknown } | null)?.plugins
  const { plugins, problems: wrongEntries } = flattenPlugins(
    (Array.isArray(entries) ? entries : []) as readonly PluginEntry[],
  )
  problems.push(...wrongEntries, ...(await wrongOptions(plugins)))
  if (result.success) problems.push(...contradictions(result.data, plugins))
  if (!result.success || problems.length > 0) throw new ConfigError(problems, { file })
  return deepFreeze(resolved(result.data, plugins, file))
}

function resolved(config: CheckedConfig, plugins: readonly PlacedPlugin[], file: string): ResolvedConfig {
  const configDir = dirname(file)
  const path = (of: string | Secret) => (isSecret(of) ? of : resolve(configDir, of))
  return {
    file,
    configDir,
    hostname: config.hostname,
    dataDir: resolve(configDir, config.dataDir),
    domains: config.domains.map(({ catchAll, ...domain }) => ({ ...domain, ...(catchAll && { catchAll }) })),
    tls: config.tls.map(({ cert, key, names }) => ({ cert: path(cert), key: path(key), names })),
    clientCa: config.clientCertificates && path(config.clientCertificates.ca),
    dns: { servers: config.dns.servers, timeoutMs: config.dns.timeout },
    workers: config.workers,
    limits: {
      messageBytes: config.limits.messageSize,
      recipients: config.limits.recipients,
      drainMs: config.limits.drain,
      reloadMs: config.limits.reload,
      journeyMs: config.limits.journey,
    },
    queue: {
      delaysMs: config.queue.retry,
      jitter: config.queue.jitter,
      lifetimeMs: config.queue.lifetime,
      warnAfterMs: config.queue.warnAfter,
    },
    plugins: plugins.map(({ plugin }) => plugin),
    accounts: config.accounts.map(resolvedAccount),
    aliases: aliasesOf(config),
    prefer: config.provide,
    onError: config.onError,
    log: config.log,
  }
}

function resolvedAccount({ name, password, ...rest }: CheckedConfig['accounts'][number]): ResolvedAccount {
  return { ...rest, ...(name !== undefined && { name }), ...(password !== undefined && { password }) }
}

function aliasesOf(config: CheckedConfig): ResolvedConfig['aliases'] {
  return Object.entries(config.aliases).map(([, { address, targets }]) => ({ address, targets }))
}

async function wrongOptions(plugins: readonly PlacedPlugin[]): Promise<readonly ConfigProblem[]> {
  const problems: ConfigProblem[] = []
  for (const { plugin, place } of plugins) {
    try {
      await validOptions(plugin, `${place} ${plugin.name}`)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(...error.problems.map(({ path, message }) => ({ path, message: plainly(message) })))
    }
  }
  return problems
}

/** zod's own words for a wrong type, in ours. */
function plainly(message: string): string {
  return message.replace(/^Invalid input: expected (.+), received (.+)$/, 'expected $1, got $2')
}

/** What is right by itself and wrong together. */
function contradictions(config: CheckedConfig, plugins: readonly PlacedPlugin[]): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const domains = new Set<string>()
  for (const [at, { name }] of config.domains.entries()) {
    if (domains.has(name)) problems.push({ path: `domains[${at}]`, message: `${name} is listed twice` })
    domains.add(name)
  }
  const taken = new Map<string, string>()
  const take = (address: { local: string; domain: string }, path: string): void => {
    const key = addressKey(address)
    const other = taken.get(key)
    if (other !== undefined) problems.push({ path, message: `${key} is taken by ${other} already` })
    if (!domains.has(address.domain)) {
      problems.push({ path, message: `${key} is in none of our domains; add '${address.domain}' to domains` })
    }
    taken.set(key, other ?? path)
  }
  for (const [at, account] of config.accounts.entries()) {
    take(account.address, `accounts[${at}]`)
    for (const [of, alias] of account.aliases.entries()) take(alias, `accounts[${at}].aliases[${of}]`)
  }
  for (const [text, { address }] of Object.entries(config.aliases)) take(address, `aliases['${text}']`)

  const names = new Set(plugins.map(({ plugin }) => plugin.name))
  const known = `plugins are: ${[...names].join(', ') || 'none'}`
  for (const [service, name] of Object.entries(config.provide)) {
    if (!names.has(name))
      problems.push({ path: `provide['${service}']`, message: `there is no plugin ${name}; ${known}` })
  }
  for (const name of Object.keys(config.onError)) {
    if (!names.has(name)) problems.push({ path: `onError.${name}`, message: `there is no plugin ${name}; ${known}` })
  }
  return problems
}

/** `accounts[0].quota`, `aliases['a@b.example']`. */
function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    const name = String(step)
    if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${text}['${name}']`
    return text === '' ? name : `${text}.${name}`
  }, '')
}
