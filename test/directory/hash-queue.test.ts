import { expect, it } from 'vitest'
import { HashGate } from '../../src/directory/hash-gate.ts'
import { HASH_LIMITS, HashQueue } from '../../src/directory/hash-queue.ts'

it('runs one at a time, peers in turn', async () => {
  const queue = new HashQueue()
  const order: string[] = []
  let running = 0
  const work = (name: string) => async () => {
    expect(++running).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 1))
    running -= 1
    order.push(name)
  }
  const flood = [1, 2, 3, 4].map((turn) => queue.run('flood', work(`flood ${turn}`)))
  const quiet = queue.run('quiet', work('quiet 1'))
  await Promise.all([...flood, quiet])
  expect(order.indexOf('quiet 1')).toBeLessThanOrEqual(2)
})

it('refuses the one too many of a peer, and goes on after a failure', async () => {
  const queue = new HashQueue({ perPeer: 1, total: 10 })
  const failing = queue.run('a', () => Promise.reject(new Error('bad')))
  const waiting = queue.run('a', async () => 1)
  await expect(queue.run('a', async () => 2)).rejects.toMatchObject({ code: 'LIMIT_REACHED' })
  await expect(failing).rejects.toThrow('bad')
  expect(await waiting).toBe(1)
})

it('drops one whose client has gone', async () => {
  const queue = new HashQueue()
  const gone = new AbortController()
  const first = queue.run('a', () => new Promise((resolve) => setTimeout(resolve, 5)))
  const second = queue.run('a', async () => 'never', gone.signal)
  gone.abort(new Error('gone'))
  await first
  await expect(second).rejects.toThrow('gone')
})

it('runs one at a time in all workers together, and goes on when one has died within its turn', async () => {
  const shared = HashGate.shared()
  const workers = [0, 1, 2].map((worker) => new HashQueue(HASH_LIMITS, new HashGate(shared, worker)))
  let running = 0
  let most = 0
  let done = 0
  const work = async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setTimeout(resolve, 1))
    running -= 1
    done += 1
  }
  const dead = new HashGate(shared, 7)
  await dead.enter()
  const all = workers.flatMap((queue) => Array.from({ length: 10 }, (_, at) => queue.run(`peer ${at}`, work)))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(done).toBe(0)
  new HashGate(shared, 8).leave()
  new HashGate(shared, 7).leave()
  await Promise.all(all)
  expect([most, done]).toEqual([1, 30])
})
