import { mailStoreContract, memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { describe, test } from 'vitest'

describe('mail store in memory', () => {
  const open = async () => ({ engine: memoryEngine(), blobs: memoryBlobStore(), close: async () => {} })
  for (const { title, run } of mailStoreContract) test(title, () => run(open))
})
