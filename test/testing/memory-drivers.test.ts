import {
  blobStoreContract,
  engineContract,
  memoryBlobStore,
  memoryEngine,
  memorySearchIndex,
  searchIndexContract,
  storeMaintenanceContract,
} from 'mailserver/testing'
import { describe, it } from 'vitest'
import { memoryMaintenance } from '../../src/testing/memory-maintenance.ts'

describe('the engine in memory', () => {
  for (const { title, run } of engineContract) {
    it(title, () => run(async () => ({ engine: memoryEngine(), close: async () => {} })))
  }
})

describe('the blob store in memory', () => {
  for (const { title, run } of blobStoreContract) {
    it(title, () => run(async () => ({ blobStore: memoryBlobStore(), close: async () => {} })))
  }
})

describe('the maintenance of a store in memory', () => {
  for (const { title, run } of storeMaintenanceContract) {
    it(title, () =>
      run(async () => {
        const blobStore = memoryBlobStore()
        return { blobStore, maintenance: memoryMaintenance(blobStore), close: async () => {} }
      }),
    )
  }
})

describe('the search index in memory', () => {
  for (const { title, run } of searchIndexContract) {
    it(title, () => run(async () => ({ index: memorySearchIndex(), close: async () => {} })))
  }
})
