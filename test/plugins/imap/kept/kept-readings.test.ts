import type { MailStore, MessageIndex } from 'mailserver'
import { expect, it } from 'vitest'
import { CacheBudget } from '../../../../plugins/imap/kept/cache-budget.ts'
import { KeptIndexes } from '../../../../plugins/imap/kept/kept-indexes.ts'
import { KeptReadings } from '../../../../plugins/imap/kept/kept-readings.ts'
import { imapWorld, mail } from '../support/imap-world.ts'

const index = (uid: number) => ({ envelope: Buffer.from(`${uid}`), bodyStructure: Buffer.of(), body: Buffer.of() })
const GONE = 5

/** A mailbox of ten messages, of which one is gone, and what was read of it. */
function keptOf(budget: CacheBudget, messages = 10) {
  const read: number[][] = []
  const kept = new KeptIndexes(
    budget,
    async function* (uids) {
      read.push([...uids])
      for (const uid of uids) if (uid !== GONE) yield [[uid, index(uid) as unknown as MessageIndex]]
    },
    () => messages,
  )
  const ask = async (...uids: number[]) => {
    read.length = 0
    const found: number[] = []
    for await (const batch of kept.of(uids)) {
      for (const [uid, { envelope }] of batch) {
        expect(envelope.toString()).toBe(`${uid}`)
        found.push(uid)
      }
    }
    return { found, read: [...read] }
  }
  return { kept, ask }
}

it('keeps what is read again, and reads what it has not', async () => {
  const { ask, kept } = keptOf(new CacheBudget(1e9))
  expect(await ask(1, 2, 3, 4, 5, 6)).toEqual({ found: [1, 2, 3, 4, 6], read: [[1, 2, 3, 4, 5, 6]] })
  expect(await ask(1, 2, 3, 4)).toEqual({ found: [1, 2, 3, 4], read: [[1, 2, 3, 4]] })
  // Now each was read more than once, on the whole.
  expect(await ask(2, 3, 4, 5, 6)).toEqual({ found: [2, 3, 4, 6], read: [[2, 3, 4, 5, 6]] })
  expect(await ask(2, 3, 4)).toEqual({ found: [2, 3, 4], read: [] })
  expect(await ask(1, 2, 3, 5, 6), 'some are kept').toEqual({ found: [1, 2, 3, 6], read: [[1, 5]] })
  expect(await ask(6, 1, 2), 'in the order asked for').toEqual({ found: [6, 1, 2], read: [] })
  expect(await ask(7, 8, 9, 1, 2), 'most are not').toEqual({ found: [7, 8, 9, 1, 2], read: [[7, 8, 9, 1, 2]] })
  kept.clear()
  expect(await ask(1, 2)).toEqual({ found: [1, 2], read: [[1, 2]] })
})

it('keeps no more than the budget has room for', async () => {
  const { ask } = keptOf(new CacheBudget(3 * 701))
  await ask(1, 2, 3, 4, 6, 7, 8, 9)
  await ask(1, 2, 3, 4, 6)
  expect(await ask(1, 2, 3, 4, 6)).toEqual({ found: [1, 2, 3, 4, 6], read: [[4, 6]] })
})

it('keeps nothing of a mailbox that is too large to be kept', async () => {
  const { ask } = keptOf(new CacheBudget(1e9), 20_001)
  for (let turn = 0; turn < 3000; turn++) await ask(1, 2, 3, 4, 6, 7, 8, 9)
  expect(await ask(1)).toEqual({ found: [1], read: [[1]] })
})

it('gives out what it had, also when that has to give way meanwhile', async () => {
  const many = Array.from({ length: 2500 }, (_, at) => at + 1)
  const kept = new KeptIndexes(
    new CacheBudget(1e9),
    async function* (uids) {
      yield uids.map((uid) => [uid, index(uid) as unknown as MessageIndex] as const)
    },
    () => 1,
  )
  const ask = async () => {
    const found: number[] = []
    for await (const batch of kept.of(many)) {
      for (const [uid] of batch) found.push(uid)
      kept.clear()
    }
    return found
  }
  for await (const batch of kept.of(many)) expect(batch).toHaveLength(2500)
  expect(await ask()).toEqual(many)
})

/** A reader whose values are good until the next batch is asked for, as ranges of blobs are. */
async function* volatile(uids: readonly number[]) {
  const octets = Buffer.alloc(4)
  for (let from = 0; from < uids.length; from += 2) {
    const pair = uids.slice(from, from + 2)
    octets.fill(0)
    yield pair.map((uid, at) => {
      octets.writeUInt16BE(uid, at * 2)
      return [uid, octets.subarray(at * 2, at * 2 + 2)] as const
    })
  }
  octets.fill(0)
}

it('gives out what is good only until more is asked for before it asks for more', async () => {
  const kept = new KeptReadings<Buffer>(
    new CacheBudget(1e9),
    (octets) => (octets.readUInt16BE() % 2 === 0 ? Buffer.from(octets) : undefined),
    () => 1,
  )
  const ask = async (uids: readonly number[]) => {
    const found: number[] = []
    for await (const batch of kept.of(uids, volatile)) {
      for (const [uid, octets] of batch) {
        expect(octets.readUInt16BE()).toBe(uid)
        found.push(uid)
      }
    }
    return found
  }
  const all = Array.from({ length: 2500 }, (_, at) => at + 1)
  expect(await ask(all)).toEqual(all)
  // Every other one is kept now.
  expect(await ask(all)).toEqual(all)
})

it('lets go of the reader when nobody wants the rest', async () => {
  let isOver = false
  const kept = new KeptReadings<number>(
    new CacheBudget(1e9),
    (uid) => (uid < 5 ? uid : undefined),
    () => 1,
  )
  async function* read(uids: readonly number[]) {
    try {
      for (const uid of uids) yield [[uid, uid]] as const
    } finally {
      isOver = true
    }
  }
  for await (const _batch of kept.of([1, 2, 3, 4, 5, 6, 7], read));
  isOver = false
  for await (const batch of kept.of([1, 2, 3, 4, 5, 6, 7], read)) if (batch.some(([uid]) => uid === 5)) break
  expect(isOver).toBe(true)
})

it('sends the same from memory, without what is gone', async () => {
  let reads = 0
  const wrapStore = (store: MailStore): MailStore => ({
    ...store,
    indexes(account, mailbox, uids) {
      reads += 1
      return store.indexes(account, mailbox, uids)
    },
  })
  await using world = await imapWorld({ wrapStore })
  await world.deliver('INBOX', mail('1'), mail('2'), mail('3'))
  const [one, two] = [await world.login(), await world.login()]
  for (const client of [one, two]) await client.ok('SELECT INBOX')
  const FETCH = 'UID FETCH 1:* (ENVELOPE BODYSTRUCTURE)'
  const first = await one.ok(FETCH)
  await one.ok(FETCH)
  reads = 0
  expect(await one.ok(FETCH)).toEqual(first)
  expect(await two.ok(FETCH)).toEqual(first)
  expect(reads).toBe(0)
  await two.ok('UID STORE 2 +FLAGS.SILENT (\\Deleted)')
  await two.ok('EXPUNGE')
  const left = [first[0], first[2]?.replace('* 3', '* 2'), first[3]]
  expect((await two.ok(FETCH)).slice(0, 2)).toEqual(left.slice(0, 2))
  expect(reads).toBe(0)
})
