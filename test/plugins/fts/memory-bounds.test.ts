import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { IndexBatch } from 'mailserver'
import { expect, it } from 'vitest'
import { AccountIndex } from '../../../plugins/fts/account-index.ts'
import { encodeBatch } from '../../../plugins/fts/encoded-batch.ts'
import { FtsIndex } from '../../../plugins/fts/fts-index.ts'
import { FULL_OCTETS } from '../../../plugins/fts/merge-choice.ts'
import { KEPT_ROOM, ScratchTables, type Tables } from '../../../plugins/fts/scratch-tables.ts'
import { COLLECTED_OCTETS } from '../../../plugins/fts/segments.ts'
import { scratch } from '../../support/peer.ts'
import { ACCOUNT, MAILBOX } from './batch-of.ts'

const MB = 1024 * 1024

let words = 0
/** Text in which no word is said twice: nothing takes more room for its octets. */
function distinctWords(octets: number): string {
  const some: string[] = []
  for (let sum = 0; sum < octets; sum += 6) some.push((words++).toString(36).padStart(5, '0'))
  return some.join(' ')
}

/** Tells how large its tables ever were when something was over. */
class Watched extends ScratchTables {
  most = 0

  override take(base: number): Tables {
    this.most = Math.max(this.most, this.room)
    return super.take(base)
  }

  override trim(): void {
    this.most = Math.max(this.most, this.room)
    super.trim()
  }
}

it('collects terms within bounds, however much comes at once', { timeout: 120_000 }, () => {
  using folder = scratch('fts')
  const path = join(folder.path, 'one.sqlite')
  const tables = new Watched()
  const index = new AccountIndex(path, tables)
  // More than twice what is collected for one segment.
  const documents = Array.from({ length: 20 }, (_, at) => ({
    uid: at + 1,
    id: `d${at}`,
    header: '',
    body: distinctWords(MB),
  }))
  index.index(MAILBOX, 0, encodeBatch({ documents, copies: [], skipped: [], through: 20 }).batch)
  expect(tables.room).toBeLessThanOrEqual(KEPT_ROOM)
  using database = new DatabaseSync(path, { readOnly: true })
  const segments = database.prepare('SELECT documents, octets FROM segments').all()
  for (const { documents, octets } of segments) {
    // Each word has its end and two octets of postings.
    expect(Number(octets)).toBeLessThanOrEqual(FULL_OCTETS * 1.5)
    expect(Number(documents)).toBeLessThanOrEqual(FULL_OCTETS / MB)
  }
  expect(segments.reduce((sum, { documents }) => sum + Number(documents), 0)).toBe(20)
  expect(COLLECTED_OCTETS).toBeLessThanOrEqual(8 * MB)
  expect(tables.most).toBeGreaterThan(COLLECTED_OCTETS)
  expect(tables.most).toBeLessThanOrEqual(15 * COLLECTED_OCTETS)
  index.close()
})

it('takes no room for tables again that it has', () => {
  using folder = scratch('fts')
  const tables = new ScratchTables()
  const index = new AccountIndex(join(folder.path, 'one.sqlite'), tables)
  const add = (uid: number) => {
    const documents = [{ uid, id: `d${uid}`, header: 'subject: x', body: distinctWords(MB / 4) }]
    index.index(MAILBOX, uid - 1, encodeBatch({ documents, copies: [], skipped: [], through: uid }).batch)
    return tables.take(0)
  }
  const first = add(1)
  for (let uid = 2; uid < 20; uid++) expect(add(uid)).toBe(first)
  index.close()
})

it('has the texts of one batch at a time, however many are given to it', async () => {
  using folder = scratch('fts')
  const index = new FtsIndex(folder.path)
  let [given, taken] = [0, 0]
  const batchOf = (uid: number): IndexBatch => ({
    copies: [],
    skipped: [],
    through: uid,
    get documents() {
      given = Math.max(given, uid)
      return [{ uid, id: `d${uid}`, header: 'subject: x', body: distinctWords(MB) }]
    },
  })
  await Promise.all(
    Array.from({ length: 8 }, async (_, at) => {
      await index.index(ACCOUNT, MAILBOX, at, batchOf(at + 1))
      taken += 1
      // The next may have been begun between the answer and this.
      expect(given - taken).toBeLessThanOrEqual(1)
    }),
  )
  expect((await index.coverage(ACCOUNT, MAILBOX)).through).toBe(8)
  await index.close()
})
