import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BlobStore,
  blobStore,
  type Engine,
  engine,
  type StoreMaintenance,
  storeMaintenance,
  systemClock,
} from 'mailserver'
import { level } from 'mailserver/plugins/level'
import { Host } from '../../../src/kernel/host.ts'
import { type Log, silentLog } from '../../../src/kernel/log.ts'
import { type Metrics, noMetrics } from '../../../src/kernel/metrics.ts'

export interface OpenedStore extends AsyncDisposable {
  readonly engine: Engine
  readonly blobStore: BlobStore
  readonly maintenance: StoreMaintenance
  close(): Promise<void>
}

export type LevelOptions = NonNullable<Parameters<typeof level>[0]>

export interface OpenOptions {
  readonly options?: LevelOptions
  readonly log?: Log
  readonly worker?: number
  readonly metrics?: Metrics
  /** What `supervise` shared; the store is opened without a supervisor when absent. */
  readonly shared?: unknown
}

/** Opens the plugin as a server does, with nothing else in it. */
export async function openStore(dataDir: string, options: OpenOptions = {}): Promise<OpenedStore> {
  const host = new Host({
    plugins: [level(options.options)],
    server: factsOf(dataDir, options.worker ?? 0),
    log: options.log ?? silentLog,
    clock: systemClock,
    jobsFor: () => ({ every: () => {} }),
    metricsFor: () => options.metrics ?? noMetrics,
    ...(options.shared !== undefined && { shared: { level: options.shared } }),
  })
  await host.setup()
  await host.start()
  const close = () => host.stop()
  return {
    engine: host.service(engine),
    blobStore: host.service(blobStore),
    maintenance: host.service(storeMaintenance),
    close,
    [Symbol.asyncDispose]: close,
  }
}

export function factsOf(dataDir: string, worker: number) {
  return {
    hostname: 'mx.example.org',
    dataDir,
    configDir: dataDir,
    worker,
    workers: 1,
    mode: 'serve' as const,
    limits: { messageBytes: 50_000_000, recipients: 1_000 },
  }
}

/** A data directory of the test's own, gone when it ends. */
export function dataDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'mailserver-level-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
