/** A worker thread with the store open, that does what the test tells it. */
import { parentPort, workerData } from 'node:worker_threads'
import { codeOf, type Lease } from 'mailserver'
import { openStore } from './open-store.ts'
import { fileMessage } from './traffic.ts'
import type { Order, WorkerSetup } from './worker-orders.ts'

const port = parentPort as NonNullable<typeof parentPort>
const { dataDir, shared, worker, options } = workerData as WorkerSetup
const store = await openStore(dataDir, { shared, worker, ...(options && { options }) })
const leases = new Map<string, Lease>()
let isStopping = false

function add(isRelaxed: boolean): Promise<unknown> {
  const transact = isRelaxed ? store.engine.transactRelaxed : store.engine.transact
  return transact.call(store.engine, ['counter'], async (tx) => {
    const count = Number((await tx.get(Buffer.from('count')))?.toString() ?? 0)
    if (count % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
    tx.put(Buffer.from('count'), Buffer.from(String(count + 1)))
  })
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'count':
      return void (await Promise.all(Array.from({ length: order.times }, () => add(false))))
    case 'hammer': {
      let added = 0
      const hammer = async (_: unknown, lane: number) => {
        while (Date.now() < order.until) {
          await add(lane % 4 === 0)
          added += 1
        }
      }
      await Promise.all(Array.from({ length: order.lanes }, hammer))
      return added
    }
    case 'traffic': {
      const busy = async (writer: number) => {
        for (let round = 0; !isStopping; round++) {
          const number = await fileMessage(store, writer, round % 9 === 0 ? 200_000 : 900)
          port.postMessage({ filed: [writer, number] })
        }
      }
      return void (await Promise.all(order.writers.map(busy)))
    }
    case 'compact': {
      const { signal } = new AbortController()
      for (let times = 1; !isStopping; times++) {
        const waste = await store.blobStore.write(Buffer.alloc(300_000))
        await store.blobStore.release(waste)
        await store.maintenance.compact({ signal }).catch((error: unknown) => {
          if (codeOf(error) !== 'IN_USE') throw error
        })
        port.postMessage({ filed: [-1, times] })
      }
      return undefined
    }
    case 'scan': {
      const scan = async () => {
        for (;;) for await (const _ of store.engine.scan({ gte: Buffer.from('a'), limit: 1 })) break
      }
      return void (await Promise.all(Array.from({ length: 20 }, scan)))
    }
    case 'hold':
      return store.engine.transact([order.scope], async (tx) => {
        tx.put(Buffer.from('held'), Buffer.from('x'))
        port.postMessage({ holding: order.scope })
        await new Promise(() => {})
      })
    case 'watch':
      store.engine.watch(order.topic, (message) => port.postMessage({ heard: message }))
      return undefined
    case 'publish':
      for (const message of order.messages) store.engine.publish(order.topic, message)
      return undefined
    case 'lease': {
      const lease = await store.engine.lease(order.name, order.ttlMs)
      if (lease !== undefined) leases.set(order.name, lease)
      return lease !== undefined
    }
    case 'release':
      return leases.get(order.name)?.release()
    case 'throw':
      setImmediate(() => {
        throw new Error('thrown by the test')
      })
      return undefined
    case 'close':
      isStopping = true
      await store.close()
      port.close()
      return undefined
  }
}

port.on('message', (order: Order & { id: number }) => {
  void obey(order).then(
    (answer) => port.postMessage({ id: order.id, answer }),
    (error: unknown) => port.postMessage({ id: order.id, error: String(error) }),
  )
})
port.postMessage({ open: true })
