import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { supervise } from '../plugins/level/worker-orders.ts'
import { eventually, scratch } from '../support/peer.ts'

interface Report {
  readonly heard: readonly string[]
  readonly reached: bigint
  readonly used: number
  readonly contents: readonly {
    readonly mailbox: string
    readonly uids: readonly number[]
    readonly counters: readonly number[]
    readonly recount: readonly number[]
  }[]
}

const SCRIPT = join(import.meta.dirname, 'support/walking-worker.ts')

async function tell<T>(worker: Worker, order: string): Promise<T> {
  const answer = once(worker, 'message')
  worker.postMessage(order)
  return (await answer)[0] as T
}

const modSeqOf = (line: string | undefined) => BigInt(line?.split(' ')[0] ?? 0)

/** UIDs of a mailbox as a session knows them that only listened. */
function follow(heard: readonly string[], mailbox: string): number[] {
  const uids = new Set<number>()
  for (const [, kind, of, list] of heard.map((line) => line.split(' '))) {
    if (of !== mailbox) continue
    for (const uid of (list as string).split(',').map(Number)) {
      if (kind === 'expunged') uids.delete(uid)
      else uids.add(uid)
    }
  }
  return [...uids].sort((a, b) => a - b)
}

test('three workers on one account agree on every message, every counter and the order of events', async () => {
  using directory = scratch('workers')
  const dataDir = directory.path
  const { shared, stop } = await supervise(dataDir)
  const workers = [0, 1, 2].map((worker) => new Worker(SCRIPT, { workerData: { dataDir, shared, worker } }))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  await Promise.all(workers.map((worker) => tell(worker, 'walk')))
  const reports = await eventually(async () => {
    const all = await Promise.all(workers.map((worker) => tell<Report>(worker, 'report')))
    return all.every(({ heard, reached }) => modSeqOf(heard.at(-1)) === reached) && all
  })
  const [first, ...others] = reports as [Report, ...Report[]]
  expect(first.heard.length).toBeGreaterThan(200)
  for (const other of others) expect(other).toEqual(first)
  const order = first.heard.map(modSeqOf)
  expect(order.every((modSeq, at) => at === 0 || modSeq > (order[at - 1] as bigint))).toBe(true)
  for (const { mailbox, uids, counters, recount } of first.contents) {
    expect(counters).toEqual(recount)
    expect(follow(first.heard, mailbox)).toEqual(uids)
  }
  expect(first.used).toBe(first.contents.reduce((sum, { uids }) => sum + uids.length, 0))

  const ended = workers.map((worker) => once(worker, 'exit'))
  for (const worker of workers) worker.postMessage('close')
  await Promise.all(ended)
  await stop?.()
})
