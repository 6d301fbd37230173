import { z } from 'zod'
import { definePlugin } from '../kernel/plugin.ts'
import { blobStore } from '../store/blob-store.ts'
import { engine } from '../store/engine.ts'
import { storeMaintenance } from '../store/store-maintenance.ts'
import { memoryBlobStore } from './memory-blob-store.ts'
import { memoryEngine } from './memory-engine.ts'
import { memoryMaintenance } from './memory-maintenance.ts'

/** Engine and BlobStore in memory, as a plugin: a whole server for a test, gone when it stops. */
export const memoryStorage = definePlugin({
  name: 'memory-storage',
  apiVersion: '^1',
  options: z.object({}),
  provides: { engine, blobs: blobStore, maintenance: storeMaintenance },
  setup() {
    const blobs = memoryBlobStore()
    return { services: { engine: memoryEngine(), blobs, maintenance: memoryMaintenance(blobs) } }
  },
})
