import { blobStoreContract, engineContract, memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { describe, it } from 'vitest'

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
