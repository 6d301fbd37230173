/**
 * The default store: keys in LevelDB, message bytes and the redo log in append-only segments, one sync for all that waits.
 * @module mailserver/plugins/level
 */
import { blobStore, codeOf, definePlugin, engine, storeMaintenance } from 'mailserver'
import { DeferredBlobStore } from './deferred-blob-store.ts'
import { DeferredEngine } from './deferred-engine.ts'
import { joinStore, type LevelStore } from './level-store.ts'
import { DeferredMaintenance } from './maintenance/deferred-maintenance.ts'
import { options, storeOptions, storePath } from './options.ts'
import { disown, own } from './owner/owners.ts'
import { problemsOf } from './owner/problems.ts'
import { watchForReopening } from './owner/reopen-watch.ts'
import type { SharedBuffers } from './shared-state.ts'

/** How often it is looked whether compaction pays. */
const COMPACT_MS = 600_000
const COMMIT_BUCKETS = [
  0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.01, 0.015, 0.02, 0.05, 0.1, 0.5, 2,
]

/** `level({ path: '/var/lib/mail', durability: 'group' })`; every option has a default. */
export const level = definePlugin({
  name: 'level',
  apiVersion: '^1',
  options,
  provides: { engine, blobStore, maintenance: storeMaintenance },

  async supervise({ options, server, log, restart }) {
    const root = storePath(options, server)
    const owner = await own(root, storeOptions(options, server), log)
    const { layout, shared } = owner
    const endWatch = watchForReopening({ layout, shared, reserve: options.reserve, log, restart })
    const { durability } = options
    log.info({ path: root, durability }, 'the store is open')
    if (durability === 'os') {
      log.warn(
        { durability },
        'mail is acknowledged before it is on disk: a power failure takes what was not yet written',
      )
    }
    return {
      shared: shared.buffers,
      workerEnding: (worker) => owner.workerEnding(worker),
      workerExited: (worker) => owner.workerExited(worker),
      problems: () => problemsOf(layout, shared, options.reserve),
      stop() {
        endWatch()
        return disown(root)
      },
    }
  },

  setup({ options, server, log, clock, metrics, shared, jobs }) {
    const root = storePath(options, server)
    const deferredEngine = new DeferredEngine()
    const deferredBlobStore = new DeferredBlobStore()
    const maintenance = new DeferredMaintenance()
    let store: LevelStore | undefined
    let isOwner = false
    const commitSeconds = metrics.histogram('commit_seconds', 'Time until a durable commit was on disk', COMMIT_BUCKETS)
    jobs.every(COMPACT_MS, 'compact', async (signal) => {
      try {
        await store?.maintenance.compactOnTheSide(signal)
      } catch (err) {
        // An operator's own compaction does this one's work as well.
        if (codeOf(err) !== 'IN_USE') throw err
      }
    })
    const durability = metrics.gauge('durability', 'When a commit counts as done', ['mode'])
    return {
      services: { engine: deferredEngine, blobStore: deferredBlobStore, maintenance },
      async start() {
        let buffers = shared as SharedBuffers | undefined
        if (buffers === undefined) {
          buffers = (await own(root, storeOptions(options, server), log)).shared.buffers
          isOwner = true
        }
        const { worker } = server
        durability.set(1, { mode: options.durability })
        const onCommit = (seconds: number) => commitSeconds.observe(seconds)
        store = await joinStore(root, { ...storeOptions(options, server), buffers, worker, clock, log, onCommit })
        deferredEngine.open(store.engine)
        deferredBlobStore.open(store.blobStore)
        maintenance.open(store.maintenance)
      },
      async stop() {
        deferredEngine.close()
        deferredBlobStore.close()
        maintenance.close()
        const closing = store
        store = undefined
        try {
          await closing?.close()
        } finally {
          if (isOwner) await disown(root)
          isOwner = false
        }
      },
    }
  },
})
