import type { StoreMaintenance } from '../store/store-maintenance.ts'
import type { memoryBlobStore } from './memory-blob-store.ts'

/** The maintenance of a BlobStore in memory: nothing is ever dead, damaged or left behind there. */
export function memoryMaintenance(blobs: ReturnType<typeof memoryBlobStore>): StoreMaintenance {
  return {
    stats: async () => [{ name: 'blobs', value: blobs.count, unit: 'count', help: 'Blobs that are kept' }],
    async compact({ signal }) {
      signal.throwIfAborted()
      return { freedBytes: 0, movedBytes: 0, movedBlobs: 0 }
    },
    async *check({ signal }) {
      signal.throwIfAborted()
      yield* []
    },
    async freeOrphans({ signal }) {
      signal.throwIfAborted()
      return { freedBlobs: 0, freedBytes: 0 }
    },
  }
}
