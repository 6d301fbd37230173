import { z } from 'zod'
import { duration } from '../config/units.ts'
import { mailboxChanged } from '../kernel/moments.ts'
import { definePlugin } from '../kernel/plugin.ts'
import { optional } from '../kernel/service.ts'
import { collectBlobs, isLinked } from './blob-collector.ts'
import { blobStore } from './blob-store.ts'
import { trimLogs } from './changes/trim-logs.ts'
import { createMailStore } from './create-mail-store.ts'
import { createLocalDelivery } from './delivery/plan-delivery.ts'
import { engine } from './engine.ts'
import { journeys } from './journey.ts'
import { createJourneys } from './journeys/create-journeys.ts'
import { localDelivery } from './local-delivery.ts'
import { mailStore } from './mail-store.ts'
import { sweepAll } from './mailboxes/sweep.ts'
import { checkMirror } from './mirror/check-mirror.ts'
import { createMirroredMailboxes } from './mirror/create-mirrored-mailboxes.ts'
import { mailboxMirror } from './mirror/mailbox-mirror.ts'
import { mirroredMailboxes } from './mirror/mirrored-mailboxes.ts'
import { IndexFeed } from './search/index-feed.ts'
import { searchIndex } from './search-index.ts'
import { createStoreContext, storeContext } from './store-context.ts'
import { storeMaintenance } from './store-maintenance.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** How soon mail that has come is looked at to be indexed. Until then it is read when somebody searches. */
const INDEX_MS = 2_000

const options = z.object({
  /** How long the journey of a message is kept after its last event. */
  journeyMs: duration().default(30 * 24 * HOUR_MS),
  /** How long the bytes of a message outlive its last link. */
  blobGraceMs: duration().default(HOUR_MS),
})

/** Mailboxes, journeys and local delivery, above whatever Engine and BlobStore the config names. */
export const storePlugin = definePlugin({
  name: 'store',
  apiVersion: '^1',
  options,
  needs: {
    engine,
    blobs: blobStore,
    maintenance: optional(storeMaintenance),
    mirror: optional(mailboxMirror),
    search: optional(searchIndex),
  },
  provides: { mailStore, journeys, localDelivery, mirrored: mirroredMailboxes, storeContext },
  setup({ options: { journeyMs, blobGraceMs }, services: { search, ...services }, server, run, jobs, log, clock }) {
    const context = createStoreContext({
      ...services,
      clock,
      log,
      onChange: (account, kind, mailbox) => void run.notify(mailboxChanged, { account, kind, mailbox }),
    })
    const store = createMailStore(context)
    const mirrored = createMirroredMailboxes(context)
    const traces = createJourneys({ engine: services.engine, clock, log })
    const feed = search && new IndexFeed(context, store, search)
    if (feed !== undefined) jobs.every(INDEX_MS, 'index-text', (signal) => feed.turn(signal))
    jobs.every(10 * MINUTE_MS, 'sweep-mailboxes', (signal) => sweepAll(context, signal))
    jobs.every(HOUR_MS, 'trim-changes', async (signal) => {
      await trimLogs(context, signal)
    })
    jobs.every(HOUR_MS, 'expire-journeys', (signal) => traces.expire(journeyMs, signal))
    jobs.every(10 * MINUTE_MS, 'collect-blobs', async (signal) => {
      await collectBlobs(services.engine, services.blobs, clock.now() - blobGraceMs, signal, clock.now())
    })
    jobs.every(10 * MINUTE_MS, 'free-orphans', async (signal) => {
      await services.maintenance?.freeOrphans({
        signal,
        async isNeeded(refs) {
          const needed: boolean[] = []
          for (const ref of refs) needed.push(await isLinked(services.engine, ref))
          return needed
        },
      })
    })
    return {
      services: {
        mailStore: store,
        storeContext: context,
        journeys: traces,
        localDelivery: createLocalDelivery({ store, engine: services.engine, run, log, mirror: services.mirror }),
        mirrored,
      },
      // A command may look at a store that no server could serve, such as the one that converts it.
      start: () => (server.mode === 'serve' ? checkMirror(services.engine, services.mirror !== undefined) : undefined),
      drain: () => traces.flush(),
      stop: async () => {
        await traces.flush()
        feed?.close()
        store.close()
        mirrored.close()
      },
    }
  },
})
