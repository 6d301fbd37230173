import { mailStoreContract } from 'mailserver/testing'
import { describe, test } from 'vitest'
import { scratch } from '../support/peer.ts'
import { openLevel } from './support/store-on-level.ts'

async function open() {
  const directory = scratch('store')
  const drivers = await openLevel(directory.path)
  return {
    ...drivers,
    async close() {
      await drivers.close()
      directory[Symbol.dispose]()
    },
  }
}

describe('mail store on level', () => {
  for (const { title, run } of mailStoreContract) test(title, () => run(open))
})
