import type { Clock } from '../../src/kernel/clock.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { Host } from '../../src/kernel/host.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import type { Metrics } from '../../src/kernel/metrics.ts'
import type { ConfiguredPlugin } from '../../src/kernel/plugin.ts'
import { netPlugin } from '../../src/net/plugin.ts'

const nothing = { add() {}, set() {}, observe() {}, time: () => () => 0 }
const silentMetrics = {
  counter: () => nothing,
  gauge: () => nothing,
  histogram: () => nothing,
} as unknown as Metrics

export interface NetHostOptions {
  readonly dataDir: string
  readonly hostname?: string
  readonly net?: Parameters<typeof netPlugin>[0]
  readonly plugins?: readonly ConfiguredPlugin[]
  readonly clock?: Clock
  readonly log?: Log
  readonly mode?: 'serve' | 'offline'
}

/** A host with the net plugin and whatever else a test needs, started; stopped when the test ends. */
export async function startNetHost(options: NetHostOptions): Promise<Host & AsyncDisposable> {
  const host = new Host({
    plugins: [netPlugin(options.net ?? {}), ...(options.plugins ?? [])],
    server: {
      hostname: options.hostname ?? 'mx.example.test',
      dataDir: options.dataDir,
      configDir: options.dataDir,
      worker: 0,
      workers: 1,
      mode: options.mode ?? 'serve',
      limits: { messageBytes: 50 * 1024 * 1024, recipients: 1000 },
    },
    log: options.log ?? silentLog,
    clock: options.clock ?? systemClock,
    jobsFor: () => ({ every() {} }),
    metricsFor: () => silentMetrics,
  })
  await host.setup()
  await host.start()
  return Object.assign(host, { [Symbol.asyncDispose]: () => host.stop() })
}
