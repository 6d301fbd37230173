import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Clock,
  type ConfiguredPlugin,
  listeners,
  parseAddress,
  type ServiceRef,
  secret,
  systemClock,
} from 'mailserver'
import { memoryStorage } from 'mailserver/testing'
import type { ResolvedConfig } from '../../src/config/resolved-config.ts'
import { Host } from '../../src/kernel/host.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import { noMetrics } from '../../src/kernel/metrics.ts'
import { corePlugins } from '../../src/server/core-plugins.ts'

export interface TestServerOptions {
  /** Protocols and whatever else the test is about. */
  readonly plugins?: readonly ConfiguredPlugin[]
  /** Engine and BlobStore; in memory when left out. */
  readonly storage?: ConfiguredPlugin
  readonly hostname?: string
  readonly domains?: readonly string[]
  /** Address to password. alice@ and bob@example.test with password `secret` when left out. */
  readonly accounts?: Readonly<Record<string, string>>
  readonly quotaBytes?: Readonly<Record<string, number>>
  readonly aliases?: Readonly<Record<string, readonly string[]>>
  readonly catchAll?: string
  /** PEM of who vouches for clients' certificates. */
  readonly clientCa?: string
  readonly dnsServers?: readonly string[]
  readonly messageBytes?: number
  readonly queue?: Partial<ResolvedConfig['queue']>
  readonly onError?: Readonly<Record<string, 'defer' | 'continue'>>
  /** Kept when the server stops, so that a second one can be started on it. */
  readonly dataDir?: string
  readonly clock?: Clock
  readonly log?: Log
}

export interface TestServer extends AsyncDisposable {
  readonly host: Host
  readonly dataDir: string
  service<T>(ref: ServiceRef<T>): T
  /** Port of the first endpoint of this protocol, with TLS from the first byte or without. */
  port(protocol: string, options?: { tls?: boolean }): number
  /** Runs a registered job now, e.g. `store/collect-blobs`. */
  runJob(name: string): Promise<void>
  stop(): Promise<void>
}

const HOUR_MS = 3_600_000

/** A whole server in this process: the core's own plugins and the test's, on ports of 127.0.0.1, with a data directory of its own. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'mailserver-test-'))
  const config = configOf(options, dataDir)
  const jobs = new Map<string, (signal: AbortSignal) => Promise<void>>()
  const host = new Host({
    plugins: [...corePlugins(config), options.storage ?? memoryStorage(), ...config.plugins],
    server: {
      hostname: config.hostname,
      dataDir,
      configDir: dataDir,
      worker: 0,
      workers: 1,
      mode: 'serve',
      limits: { messageBytes: config.limits.messageBytes, recipients: config.limits.recipients },
    },
    log: options.log ?? silentLog,
    clock: options.clock ?? systemClock,
    jobsFor: (plugin) => ({ every: (_interval, name, fn) => void jobs.set(`${plugin}/${name}`, fn) }),
    metricsFor: () => noMetrics,
    continueOnError: new Set(Object.keys(config.onError).filter((name) => config.onError[name] === 'continue')),
  })
  await host.setup()
  await host.start()
  const stop = async () => {
    await host.drain(AbortSignal.timeout(2_000))
    await host.stop()
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
  }
  return {
    host,
    dataDir,
    service: (ref) => host.service(ref),
    port(protocol, { tls = false } = {}) {
      const found = host
        .service(listeners)
        .list()
        .find((listener) => listener.protocol === protocol && listener.tls === tls)
      if (found === undefined) throw new Error(`nothing listens for ${protocol}${tls ? ' with TLS' : ''}`)
      return Number(found.address.slice(found.address.lastIndexOf(':') + 1))
    },
    async runJob(name) {
      const job = jobs.get(name)
      if (job === undefined) throw new Error(`there is no job ${name}; there are ${[...jobs.keys()].join(', ')}`)
      await job(new AbortController().signal)
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function configOf(options: TestServerOptions, dataDir: string): ResolvedConfig {
  const address = (text: string) => {
    const parsed = parseAddress(text)
    if (parsed === undefined) throw new Error(`${text} is no address`)
    return parsed
  }
  const accounts = options.accounts ?? { 'alice@example.test': 'secret', 'bob@example.test': 'secret' }
  return {
    file: join(dataDir, 'mailserver.config.ts'),
    configDir: dataDir,
    hostname: options.hostname ?? 'mail.example.test',
    dataDir,
    domains: (options.domains ?? ['example.test']).map((name) => ({
      name,
      subaddressDelimiter: '+',
      ...(options.catchAll !== undefined && { catchAll: address(options.catchAll) }),
    })),
    tls: [],
    clientCa: options.clientCa === undefined ? undefined : hidden(options.clientCa),
    dns: { servers: options.dnsServers ?? ['127.0.0.1:1'], timeoutMs: 2_000 },
    workers: 1,
    limits: {
      messageBytes: options.messageBytes ?? 50 * 1024 ** 2,
      recipients: 1000,
      drainMs: 2_000,
      reloadMs: 2_000,
      journeyMs: 24 * HOUR_MS,
    },
    queue: { delaysMs: [60_000], jitter: 0, lifetimeMs: 120 * HOUR_MS, warnAfterMs: 4 * HOUR_MS, ...options.queue },
    plugins: [...(options.plugins ?? [])],
    accounts: Object.entries(accounts).map(([text, password]) => ({
      address: address(text),
      password: hidden(password),
      aliases: [],
      ...(options.quotaBytes?.[text] !== undefined && { quotaBytes: options.quotaBytes[text] }),
    })),
    aliases: Object.entries(options.aliases ?? {}).map(([text, targets]) => ({
      address: address(text),
      targets: targets.map(address),
    })),
    prefer: {},
    onError: options.onError ?? {},
    log: { level: 'info' },
  }
}

/** Passwords and keys reach the server as secrets alone. */
function hidden(text: string) {
  const name = `MAILSERVER_TEST_${Buffer.from(text).toString('hex')}`
  process.env[name] = text
  return secret.env(name)
}
