import { searchIndexContract } from 'mailserver/testing'
import { describe, it } from 'vitest'
import { FtsIndex } from '../../../plugins/fts/fts-index.ts'
import { scratch } from '../../support/peer.ts'

describe('the search index in SQLite', () => {
  for (const { title, run } of searchIndexContract) {
    it(title, async () => {
      using folder = scratch('fts')
      await run(async () => {
        const index = new FtsIndex(folder.path)
        return { index, close: () => index.close() }
      })
    })
  }
})
