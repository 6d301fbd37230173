import { blobStore, engine } from 'mailserver'
import { level } from 'mailserver/plugins/level'
import type { OpenedDrivers } from 'mailserver/testing'
import { systemClock } from '../../../src/kernel/clock.ts'
import { Host } from '../../../src/kernel/host.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { createMailStore } from '../../../src/store/create-mail-store.ts'
import type { MailStore } from '../../../src/store/mail-store.ts'
import { createStoreContext } from '../../../src/store/store-context.ts'

const nothing = { add() {}, set() {}, observe() {} }
const metrics = { counter: () => nothing, gauge: () => nothing, histogram: () => nothing }

/** The level plugin as a command opens it when no server runs. */
export async function openLevel(path: string): Promise<OpenedDrivers> {
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
  return { engine: host.service(engine), blobs: host.service(blobStore), close: () => host.stop() }
}

export function storeOn({ engine, blobs }: OpenedDrivers): MailStore {
  return createMailStore(createStoreContext({ engine, blobs, clock: systemClock, log: silentLog }))
}
