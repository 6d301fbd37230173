import { blobStoreContract, engineContract, storeMaintenanceContract } from 'mailserver/testing'
import { describe, it } from 'vitest'
import { dataDirectory, type LevelOptions, openStore } from './open-store.ts'

const VARIANTS: readonly (readonly [title: string, options: LevelOptions])[] = [
  ['as it comes', {}],
  ['with small segments', { segmentSize: 300_000 }],
  ['with every commit waiting for the disk', { durability: 'fsync' }],
  ['with no commit waiting for the disk', { durability: 'os' }],
  ['encrypted', { segmentSize: 300_000, encryption: { key: 'ab'.repeat(32) } }],
]

for (const [variant, options] of VARIANTS) {
  const open = async () => {
    const directory = dataDirectory()
    const store = await openStore(directory.path, { options })
    const close = async () => {
      await store.close()
      directory[Symbol.dispose]()
    }
    return { ...store, close }
  }
  describe(`the level engine ${variant}`, () => {
    for (const { title, run } of engineContract) it(title, () => run(open))
  })
  describe(`the segment blob store ${variant}`, () => {
    for (const { title, run } of blobStoreContract) it(title, () => run(open))
  })
  describe(`the maintenance of the level store ${variant}`, () => {
    for (const { title, run } of storeMaintenanceContract) it(title, () => run(open))
  })
}
