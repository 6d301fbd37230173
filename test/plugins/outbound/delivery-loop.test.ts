import type { AttemptResult, Claim, Queue } from 'mailserver'
import { afterEach, describe, expect, it } from 'vitest'
import { DeliveryLoop } from '../../../plugins/outbound/delivery-loop.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { all, queueWorld, tick } from '../../queue/queue-world.ts'

const loops: DeliveryLoop[] = []

afterEach(async () => {
  for (const loop of loops.splice(0)) await loop.drain(AbortSignal.abort())
})

/** A loop over a real queue, with attempts that end when the test says so. */
function loopWorld(limits: { total?: number; perDestination?: number; isOneDestination?: boolean } = {}) {
  const world = queueWorld()
  const open = new Map<string, (kind: AttemptResult['kind'] | 'nothing') => void>()
  let most = 0
  const attempt = (claim: Claim, stop: AbortSignal) =>
    new Promise<ReadonlyMap<number, AttemptResult>>((resolve) => {
      const name = `${claim.message.id} ${claim.destination}`
      open.set(name, (kind) => {
        open.delete(name)
        resolve(kind === 'nothing' ? new Map() : all(claim, kind))
      })
      most = Math.max(most, open.size)
      stop.addEventListener('abort', () => open.get(name)?.('nothing'))
    })
  const make = (queue: Queue = world.queue) => {
    const { total = 10, perDestination = 3, isOneDestination = false } = limits
    const { clock } = world
    const loop = new DeliveryLoop({ queue, clock, log: silentLog, total, perDestination, isOneDestination, attempt })
    loops.push(loop)
    return loop
  }
  const settled = async () => {
    for (let at = 0; at < 30; at++) await tick()
  }
  return { ...world, openQueue: world.open, open, make, settled, mostAtOnce: () => most }
}

describe('the delivery loop', () => {
  it('never exceeds its limits, in all and to one destination, and gets everything done', async () => {
    const world = loopWorld({ total: 5, perDestination: 2 })
    await world.queue.start()
    for (let at = 0; at < 12; at++) await world.put(['a@flood.test'])
    for (let at = 0; at < 8; at++) await world.put([`a@d${at}.test`])
    world.make().start()
    let done = 0
    for (;;) {
      await world.settled()
      const names = [...world.open.keys()]
      if (names.length === 0) break
      expect(names.length).toBeLessThanOrEqual(5)
      expect(names.filter((name) => name.endsWith('flood.test')).length).toBeLessThanOrEqual(2)
      world.open.get(names[0] as string)?.('delivered')
      done += 1
    }
    expect(done).toBe(20)
    expect(world.mostAtOnce()).toBe(5)
    expect(await world.queue.count({})).toBe(0)
  })

  it('counts a smarthost as one destination', async () => {
    const world = loopWorld({ total: 10, perDestination: 2, isOneDestination: true })
    await world.queue.start()
    for (let at = 0; at < 8; at++) await world.put([`a@d${at}.test`])
    world.make().start()
    await world.settled()
    expect(world.open.size).toBe(2)
  })

  it('takes up new mail, and mail that falls due', async () => {
    const world = loopWorld()
    await world.queue.start()
    world.make().start()
    await world.settled()
    await world.put(['a@x.test'])
    await world.settled()
    const [first] = world.open.values()
    first?.('deferred')
    await world.settled()
    expect(world.open.size).toBe(0)
    await world.clock.advance(5 * 60_000)
    await world.settled()
    expect(world.open.size).toBe(1)
  })

  it('waits for attempts when it drains, and takes nothing new', async () => {
    const world = loopWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    const loop = world.make()
    loop.start()
    await world.settled()
    let isDrained = false
    const drained = loop.drain(new AbortController().signal).then(() => {
      isDrained = true
    })
    await world.put(['b@y.test'])
    await world.settled()
    expect(isDrained).toBe(false)
    expect(world.open.size).toBe(1)
    const [first] = world.open.values()
    first?.('delivered')
    await drained
    expect(await world.queue.count({ state: 'waiting' })).toBe(1)
    expect(await world.queue.count({})).toBe(1)
  })

  it('gives back what is not done at the deadline', async () => {
    const world = loopWorld()
    await world.queue.start()
    await world.put(['a@x.test', 'b@y.test'])
    const loop = world.make()
    loop.start()
    await world.settled()
    const deadline = new AbortController()
    const drained = loop.drain(deadline.signal)
    await world.settled()
    deadline.abort()
    await drained
    const { entries } = await world.queue.list({})
    expect(entries.map(({ recipient }) => [recipient.state, recipient.attempts])).toEqual([
      ['waiting', 0],
      ['waiting', 0],
    ])
  })

  it('goes on after the store failed to hand out claims', async () => {
    const world = loopWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    let faults = 2
    const queue: Queue = Object.assign(Object.create(world.queue) as Queue, {
      claim: (...args: Parameters<Queue['claim']>) =>
        faults-- > 0 ? Promise.reject(new Error('disk gone')) : world.queue.claim(...args),
      nextDue: (signal: AbortSignal) => world.queue.nextDue(signal),
    })
    world.make(queue).start()
    await world.settled()
    expect(world.open.size).toBe(0)
    for (let at = 0; at < 3; at++) {
      await world.clock.advance(5_000)
      await world.settled()
    }
    expect(world.open.size).toBe(1)
  })

  it('keeps the results of an attempt until the store takes them', async () => {
    const world = loopWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    let faults = 3
    const queue: Queue = Object.assign(Object.create(world.queue) as Queue, {
      claim: (...args: Parameters<Queue['claim']>) => world.queue.claim(...args),
      nextDue: (signal: AbortSignal) => world.queue.nextDue(signal),
      settle: (...args: Parameters<Queue['settle']>) =>
        faults-- > 0 ? Promise.reject(new Error('disk full')) : world.queue.settle(...args),
    })
    world.make(queue).start()
    await world.settled()
    const [first] = world.open.values()
    first?.('delivered')
    await world.settled()
    expect(await world.queue.count({ state: 'delivering' })).toBe(1)
    for (let at = 0; at < 5; at++) {
      await world.clock.advance(5_000)
      await world.settled()
    }
    expect(await world.queue.count({})).toBe(0)
  })
})

describe('a worker that crashes in the middle of a delivery', () => {
  it('loses nothing: what it had claimed is tried again by the next', async () => {
    const world = loopWorld()
    await world.queue.start()
    await world.put(['a@x.test', 'b@y.test'])
    world.make().start()
    await world.settled()
    expect(world.open.size).toBe(2)
    // It ends without a word; only its lease goes with it.
    loops.splice(0)
    await world.queue.stop()
    world.open.clear()
    const next = world.openQueue('w2')
    await next.start()
    world.make(next).start()
    await world.settled()
    expect(world.open.size).toBe(2)
    for (const end of [...world.open.values()]) end('delivered')
    await world.settled()
    expect(await next.count({})).toBe(0)
    expect(await world.links()).toBe(0)
  })
})
