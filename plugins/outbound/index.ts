import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { resolve } from 'node:path'
import { blobStore, definePlugin, dns, queue, Secret, type ServerFacts } from 'mailserver'
import { ConnectionPool } from './connection-pool.ts'
import { DeadHosts } from './dead-hosts.ts'
import { Delivery, type SmarthostHop } from './delivery.ts'
import { DeliveryLoop } from './delivery-loop.ts'
import { HostMemory } from './host-memory.ts'
import { outboundOptions, type Smarthost } from './options.ts'
import { OwnAddresses } from './own-addresses.ts'

export type { OutboundOptions } from './options.ts'

/**
 * Delivers what is queued for other servers: to the MX of each domain, or through a smarthost.
 * @example outbound({ smarthost: { host: 'smtp.example', auth: { user: 'us', pass: secret.env('SMTP_PASSWORD') } } })
 */
export const outbound = definePlugin({
  name: 'outbound',
  apiVersion: '^1',
  options: outboundOptions,
  needs: { queue, blobs: blobStore, dns },
  setup({ options, services, server, run, log, clock, metrics }) {
    if (server.mode === 'offline') return undefined
    const { timeouts, concurrency } = options
    const heloName = options.heloName ?? server.hostname
    const pool = new ConnectionPool({
      maxMessages: options.connections.maxMessages,
      idleMs: options.connections.idle,
      client: { heloName, sourceAddress: options.sourceAddress, timeouts },
      clock,
    })
    const active = metrics.gauge('attempts_active', 'Attempts in progress')
    const attempts = metrics.counter('recipients_total', 'Recipients tried, by what came of it', ['outcome'])
    const seconds = metrics.histogram('attempt_seconds', 'Length of an attempt', [0.05, 0.2, 1, 5, 30, 120, 600])
    const dead = new DeadHosts(clock, options.deadHost)
    let stopListening: (() => void) | undefined
    let loop: DeliveryLoop | undefined

    const begin = () => {
      const delivery = new Delivery({
        relay: {
          pool,
          clock,
          dead,
          brokenTls: new HostMemory(clock),
        },
        mx: {
          dns: services.dns,
          ownNames: new Set([server.hostname.toLowerCase(), heloName.toLowerCase()]),
          ownAddresses: new OwnAddresses(options.ownAddresses, { allowLoopback: options.allowLoopback }),
          preferIpv6: hasGlobalIpv6(),
          random: Math.random,
        },
        blobs: services.blobs,
        run,
        clock,
        log,
        smarthost: options.smarthost && revealed(options.smarthost, server),
        port: options.port,
        attemptMs: timeouts.attempt,
      })
      loop = new DeliveryLoop({
        queue: services.queue,
        clock,
        log,
        total: concurrency.total,
        perDestination: concurrency.perDestination,
        isOneDestination: options.smarthost !== undefined,
        attempt: async (claim, stop) => {
          const started = clock.now()
          const results = await delivery.attempt(claim, stop)
          seconds.observe((clock.now() - started) / 1000)
          for (const result of results.values()) {
            const isUntried = result.kind === 'deferred' && result.isUntried
            attempts.add(1, { outcome: isUntried ? 'put-off' : result.kind })
          }
          return results
        },
        onChange: (count) => active.set(count),
      })
      stopListening = services.queue.onRetry(() => dead.doubt())
      loop.start()
    }

    const drain = async (signal: AbortSignal) => {
      stopListening?.()
      await loop?.drain(signal)
      pool.close()
    }
    return { start: begin, drain, stop: () => drain(AbortSignal.abort()) }
  },
})

/** @throws UserError that names a secret which cannot be read */
function revealed({ auth, ca, ...smarthost }: Smarthost, { configDir }: ServerFacts): SmarthostHop {
  const reveal = (pass: string | Secret) => (pass instanceof Secret ? pass.reveal(configDir) : pass)
  return {
    ...smarthost,
    verify: smarthost.verify && (smarthost.tls === 'starttls' || smarthost.tls === 'implicit'),
    ...(auth !== undefined && { auth: { user: auth.user, pass: reveal(auth.pass) } }),
    ...(ca !== undefined && { ca: readFileSync(resolve(configDir, ca), 'utf8') }),
  }
}

/** Without a global IPv6 address of our own, IPv4 is tried first: the other would only time out. */
function hasGlobalIpv6(): boolean {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .some(({ family, internal, address }) => family === 'IPv6' && !internal && !address.startsWith('fe80:'))
}
