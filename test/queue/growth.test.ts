import { expect, it } from 'vitest'
import type { Engine, Range } from '../../src/store/engine.ts'
import { memoryEngine } from '../../src/testing/memory-engine.ts'
import { NONE, queueWorld } from './queue-world.ts'

/** An Engine that counts the entries that its scans read. */
function counting(): { engine: Engine; read: () => number } {
  const memory = memoryEngine()
  let read = 0
  const counted = async function* (range: Range) {
    for await (const batch of memory.scan(range)) {
      read += batch.length
      yield batch
    }
  }
  const take = () => {
    const before = read
    read = 0
    return before
  }
  return { engine: { ...memory, scan: counted }, read: take }
}

/** Entries that a claim of ten, and a page of twenty, read in a queue of so many messages to three domains. */
async function readsOf(messages: number): Promise<{ claim: number; page: number }> {
  const { engine, read } = counting()
  const world = queueWorld({ engine })
  for (let at = 0; at < messages; at++) await world.put([`a@${at % 3}.test`])
  await world.queue.start()
  await world.queue.claim(10, NONE)
  read()
  expect(await world.queue.claim(10, NONE)).toHaveLength(10)
  const claim = read()
  expect((await world.queue.list({}, { limit: 20 })).entries).toHaveLength(20)
  return { claim, page: read() }
}

it('claims and lists at the same cost, however long the queue', async () => {
  const short = await readsOf(300)
  const long = await readsOf(3_000)
  expect(long.claim).toBeLessThanOrEqual(short.claim)
  // A page reads a batch of the driver's, and no further.
  expect(long.page).toBeLessThanOrEqual(1_000)
})
