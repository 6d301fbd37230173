import { blobStoreContract, mailStoreContract } from 'mailserver/testing'
import { describe, it } from 'vitest'
import { scratch } from '../../support/peer.ts'
import { openStore } from '../level/open-store.ts'
import { openMaildir } from './open-maildir.ts'

async function open() {
  const directory = scratch('maildir')
  const { engine, blobStore, close } = await openStore(`${directory.path}/data`)
  const opened = await openMaildir({
    engine,
    blobs: blobStore,
    path: `${directory.path}/mail`,
    closeStore: close,
    graceMs: 0,
  })
  return {
    engine,
    blobs: opened.blobs,
    blobStore: opened.blobs,
    mirror: opened.mirror,
    async close() {
      await opened.close()
      directory[Symbol.dispose]()
    },
  }
}

describe('the mail store over Maildirs', () => {
  for (const { title, run } of mailStoreContract) it(title, () => run(open))
})

describe('the blob store in front of Maildirs', () => {
  for (const { title, run } of blobStoreContract) it(title, () => run(open))
})
