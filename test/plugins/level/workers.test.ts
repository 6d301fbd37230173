import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/peer.ts'
import { dataDirectory, openStore } from './open-store.ts'
import { checkMessages } from './traffic.ts'
import { StoreWorker, supervise } from './worker-orders.ts'

const ROUNDS = Number(process.env.TERMINATE_ROUNDS ?? 10)

describe('two worker threads on one store', () => {
  it('count to 400 together in one scope', async () => {
    using directory = dataDirectory()
    const dataDir = directory.path
    const { shared, stop } = await supervise(dataDir)
    const workers = await Promise.all([0, 1].map((worker) => StoreWorker.open({ dataDir, shared, worker })))
    await Promise.all(workers.map((worker) => worker.tell({ do: 'count', times: 200 })))
    await Promise.all(workers.map((worker) => worker.close()))
    await stop?.()
    await using store = await openStore(dataDir)
    expect((await store.engine.get(Buffer.from('count')))?.toString()).toBe('400')
  })

  it('share a scope that both want all the time, and count right', async () => {
    using directory = dataDirectory()
    const dataDir = directory.path
    const { shared, stop } = await supervise(dataDir)
    const workers = await Promise.all([0, 1].map((worker) => StoreWorker.open({ dataDir, shared, worker })))
    const until = Date.now() + 1_500
    const added = (await Promise.all(
      workers.map((worker) => worker.tell({ do: 'hammer', lanes: 25, until })),
    )) as number[]
    await Promise.all(workers.map((worker) => worker.close()))
    await stop?.()
    const [first, second] = added as [number, number]
    expect(Math.min(first, second)).toBeGreaterThan(Math.max(first, second) / 2)
    await using store = await openStore(dataDir)
    expect(Number((await store.engine.get(Buffer.from('count')))?.toString())).toBe(first + second)
  })

  it('hear what the other publishes, and themselves, in order', async () => {
    using directory = dataDirectory()
    const dataDir = directory.path
    const { shared, stop } = await supervise(dataDir)
    const workers = await Promise.all([0, 1].map((worker) => StoreWorker.open({ dataDir, shared, worker })))
    const [first, second] = workers as [StoreWorker, StoreWorker]
    for (const worker of workers) await worker.tell({ do: 'watch', topic: 't' })
    const messages = Array.from({ length: 100 }, (_, at) => String(at))
    await first.tell({ do: 'publish', topic: 't', messages })
    await first.tell({ do: 'publish', topic: 'other', messages })
    await eventually(() => first.heard.length >= 100 && second.heard.length >= 100)
    expect(first.heard).toEqual(messages)
    expect(second.heard).toEqual(messages)
    await Promise.all(workers.map((worker) => worker.close()))
    await stop?.()
  })

  it('get a lease one at a time, and the other one after its holder has died', async () => {
    using directory = dataDirectory()
    const dataDir = directory.path
    const supervised = await supervise(dataDir)
    const { shared, stop, workerExited } = supervised
    const workers = await Promise.all([0, 1].map((worker) => StoreWorker.open({ dataDir, shared, worker })))
    const [first, second] = workers as [StoreWorker, StoreWorker]
    expect(await first.tell({ do: 'lease', name: 'job', ttlMs: 300 })).toBe(true)
    expect(await second.tell({ do: 'lease', name: 'job', ttlMs: 300 })).toBe(false)
    await sleep(500)
    expect(await second.tell({ do: 'lease', name: 'job', ttlMs: 300 })).toBe(false)
    await first.terminate(supervised)
    await workerExited?.(0)
    await eventually(async () => (await second.tell({ do: 'lease', name: 'job', ttlMs: 300 })) === true)
    await second.close()
    await stop?.()
  })

  it('let the other into a scope whose holder has died', async () => {
    using directory = dataDirectory()
    const dataDir = directory.path
    const supervised = await supervise(dataDir)
    const { shared, stop, workerExited } = supervised
    const workers = await Promise.all([0, 1].map((worker) => StoreWorker.open({ dataDir, shared, worker })))
    const [first, second] = workers as [StoreWorker, StoreWorker]
    void first.tell({ do: 'hold', scope: 'counter' })
    await eventually(() => first.holding.length === 1)
    const counting = second.tell({ do: 'count', times: 3 })
    expect(await Promise.race([counting, sleep(700, 'waits')])).toBe('waits')
    await first.terminate(supervised)
    await workerExited?.(0)
    await counting
    await second.close()
    await stop?.()
    await using store = await openStore(dataDir)
    expect((await store.engine.get(Buffer.from('count')))?.toString()).toBe('3')
    expect(await store.engine.get(Buffer.from('held'))).toBeUndefined()
  })
})

/** How a worker goes: killed, by an error nobody caught, or replaced by a reload, which lets it close. */
const ENDS = ['terminate', 'fail', 'close'] as const

describe('a worker thread ended in mid-write', () => {
  for (const [title, writers] of [
    ['the same accounts', [0, 1, 2, 3]],
    ['the same one account', [0, 0, 0, 0, 0, 0]],
  ] as const) {
    it(
      `loses nothing it acknowledged, ${ROUNDS} times over, while another goes on with ${title}`,
      () => endInTraffic(writers),
      120_000 + ROUNDS * 3_000,
    )
  }
})

async function endInTraffic(writers: readonly number[]): Promise<void> {
  using directory = dataDirectory()
  const dataDir = directory.path
  const options = { segmentSize: 2_000_000, writeBufferSize: 300_000 }
  const supervised = await supervise(dataDir, options)
  const { shared, stop, workerExited } = supervised
  const steady = await StoreWorker.open({ dataDir, shared, worker: 0, options })
  const steadyTraffic = steady.tell({ do: 'traffic', writers })
  const filed = new Map<number, number>()
  const remember = (worker: StoreWorker) => {
    for (const [writer, number] of worker.filed) filed.set(writer, Math.max(number, filed.get(writer) ?? -1))
  }
  for (let round = 1; round <= ROUNDS; round++) {
    const doomed = await StoreWorker.open({ dataDir, shared, worker: round, options })
    void doomed.tell({ do: 'traffic', writers: [...writers, 4, 5, 4, 5] })
    await eventually(() => doomed.filed.size > 0, 60_000)
    await sleep((round * 37) % 130)
    await doomed[ENDS[round % ENDS.length] as (typeof ENDS)[number]](supervised)
    await workerExited?.(round)
    remember(doomed)
  }
  const before = new Map(steady.filed)
  await eventually(() => writers.every((writer) => (steady.filed.get(writer) ?? 0) > (before.get(writer) ?? 0) + 3))
  remember(steady)
  await steady.close()
  await steadyTraffic.catch(() => {})
  remember(steady)
  await stop?.()
  await using store = await openStore(dataDir)
  const counts = await checkMessages(store)
  for (const [writer, number] of filed) expect(counts[writer]).toBeGreaterThan(number)
}

describe('a worker thread ended while it compacts', () => {
  it('leaves everything readable, for all workers, and the compaction to others', async () => {
    using directory = dataDirectory()
    const dataDir = directory.path
    const options = { segmentSize: 500_000, writeBufferSize: 300_000 }
    const supervised = await supervise(dataDir, options)
    const { shared, stop, workerExited } = supervised
    const steady = await StoreWorker.open({ dataDir, shared, worker: 0, options })
    const steadyTraffic = steady.tell({ do: 'traffic', writers: [0, 1] })
    for (let round = 1; round <= 4; round++) {
      const doomed = await StoreWorker.open({ dataDir, shared, worker: round, options })
      void doomed.tell({ do: 'traffic', writers: [2] })
      void doomed.tell({ do: 'compact' })
      await eventually(() => (doomed.filed.get(-1) ?? 0) > 0, 60_000)
      await sleep((round * 67) % 200)
      if (round % 2 === 0) await doomed.terminate(supervised)
      else await doomed.close()
      await workerExited?.(round)
    }
    await steady.close()
    await steadyTraffic.catch(() => {})
    const last = await openStore(dataDir, { shared, worker: 9, options })
    const counts = await checkMessages(last)
    const { signal } = new AbortController()
    await last.maintenance.compact({ signal })
    expect(await checkMessages(last)).toEqual(counts)
    for await (const { meaning } of last.maintenance.check({ signal, repair: false })) expect.fail(meaning)
    await last.close()
    await stop?.()
    await using store = await openStore(dataDir, { options })
    expect(await checkMessages(store)).toEqual(counts)
  }, 120_000)
})
