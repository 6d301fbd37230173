import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { blobStore, engine } from 'mailserver'
import { level } from 'mailserver/plugins/level'
import { mailStoreContract, type OpenedDrivers } from 'mailserver/testing'
import { describe, test } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { Host } from '../../src/kernel/host.ts'
import { silentLog } from '../../src/kernel/log.ts'

const nothing = { add() {}, set() {}, observe() {}, time: () => () => {} }
const metrics = { counter: () => nothing, gauge: () => nothing, histogram: () => nothing }

/** The level plugin as a command opens it when no server runs. */
async function open(): Promise<OpenedDrivers> {
  const path = await mkdtemp(join(tmpdir(), 'mailserver-store-'))
  const host = new Host({
    plugins: [level({ path })],
    server: {
      hostname: 'mx.example.test',
      dataDir: path,
      configDir: path,
      worker: 0,
      workers: 1,
      mode: 'offline',
      limits: { messageBytes: 2 ** 20, recipients: 100 },
    },
    log: silentLog,
    clock: systemClock,
    jobsFor: () => ({ every() {} }),
    metricsFor: () => metrics as never,
  })
  await host.setup()
  await host.start()
  return {
    engine: host.service(engine),
    blobs: host.service(blobStore),
    async close() {
      await host.stop()
      await rm(path, { recursive: true, force: true })
    },
  }
}

describe('mail store on level', () => {
  for (const { title, run } of mailStoreContract) test(title, () => run(open))
})
