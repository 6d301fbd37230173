import { describe, expect, it } from 'vitest'
import { all, HOUR, MINUTE, NONE, names, one, queueWorld, tick } from './queue-world.ts'

describe('claiming', () => {
  it('hands out recipients of one message and domain together, and each entry once', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test', 'b@y.test', 'c@x.test'])
    const claims = await world.queue.claim(10, NONE)
    expect(claims.map((claim) => [claim.destination, names(claim)])).toEqual([
      ['x.test', ['a@x.test', 'c@x.test']],
      ['y.test', ['b@y.test']],
    ])
    expect(await world.queue.claim(10, NONE)).toEqual([])
    expect((await world.queue.list({ state: 'delivering' })).entries).toHaveLength(3)
  })

  it('groups by route where there is one', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put([
      { to: 'a@x.test', route: 'smtp://gw.test' },
      { to: 'b@y.test', route: 'smtp://gw.test' },
    ])
    const claims = await world.queue.claim(10, NONE)
    expect(claims.map(({ destination }) => destination)).toEqual(['smtp://gw.test'])
    expect(names(one(claims))).toEqual(['a@x.test', 'b@y.test'])
  })

  it('never puts more than a hundred recipients in one claim', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(Array.from({ length: 250 }, (_, at) => `u${at}@x.test`))
    const claims = [
      ...(await world.queue.claim(10, NONE)),
      ...(await world.queue.claim(10, NONE)),
      ...(await world.queue.claim(10, NONE)),
    ]
    expect(claims.map(({ recipients }) => recipients.length).sort((a, b) => b - a)).toEqual([100, 100, 50])
    expect(new Set(claims.flatMap(names)).size).toBe(250)
  })

  it('gives every destination its turn when one is flooded', async () => {
    const world = queueWorld()
    await world.queue.start()
    for (let at = 0; at < 200; at++) await world.put(['a@flood.test'])
    await world.put(['a@quiet.test'])
    const claims = await world.queue.claim(4, NONE)
    expect(claims.map(({ destination }) => destination).sort()).toEqual(['flood.test', 'flood.test', 'quiet.test'])
    expect(await world.queue.claim(4, new Set(['flood.test']))).toEqual([])
  })

  it('takes the oldest first', async () => {
    const world = queueWorld()
    await world.queue.start()
    const first = await world.put(['a@late.test'], { id: 'z' })
    await world.clock.advance(10)
    await world.put(['a@early.test'], { id: 'a' })
    expect(one(await world.queue.claim(1, NONE)).message.id).toBe(first)
  })

  it('asks how many claims a destination has room for', async () => {
    const world = queueWorld()
    await world.queue.start()
    for (let at = 0; at < 5; at++) await world.put(['a@x.test'])
    expect(await world.queue.claim(10, NONE, () => 2)).toHaveLength(2)
    expect(await world.queue.claim(10, NONE, () => 0)).toHaveLength(0)
    expect(await world.queue.claim(10, NONE)).toHaveLength(3)
  })

  it('does not read the entries of a paused destination when it looks for others', async () => {
    const world = queueWorld()
    await world.queue.start()
    for (let at = 0; at < 500; at++) await world.put(['a@paused.test'])
    await world.put(['a@x.test'])
    await world.queue.pause('paused.test')
    let read = 0
    const { scan } = world.engine
    world.engine.scan = (range) => {
      const inner = scan(range)
      return (async function* () {
        for await (const batch of inner) {
          read += batch.length
          yield batch
        }
      })()
    }
    expect((await world.queue.claim(10, NONE)).map(({ destination }) => destination)).toEqual(['x.test'])
    expect(await world.queue.claim(10, NONE)).toEqual([])
    expect(read).toBeLessThan(10)
  })

  it('keeps pauses, of one destination and of all, until they are resumed', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    await world.put(['a@y.test'])
    await world.queue.pause()
    const later = world.open('w2')
    await later.start()
    expect(await later.claim(10, NONE)).toEqual([])
    await later.pause('x.test')
    await later.resume()
    expect(await later.paused()).toEqual({ all: false, destinations: ['x.test'] })
    expect((await world.queue.claim(10, NONE)).map(({ destination }) => destination)).toEqual(['y.test'])
    await later.resume('x.test')
    expect((await later.claim(10, NONE)).map(({ destination }) => destination)).toEqual(['x.test'])
  })

  it('gives an entry to one worker alone, however many ask', async () => {
    const world = queueWorld()
    const workers = [world.queue, world.open('w2'), world.open('w3')]
    await Promise.all(workers.map((worker) => worker.start()))
    for (let at = 0; at < 50; at++) await world.put([`a@d${at % 7}.test`])
    const claims = (await Promise.all(workers.map((worker) => worker.claim(50, NONE)))).flat()
    const rest = (await Promise.all(workers.map((worker) => worker.claim(50, NONE)))).flat()
    const ids = [...claims, ...rest].map(({ message }) => message.id)
    expect(ids).toHaveLength(50)
    expect(new Set(ids).size).toBe(50)
  })

  it('finds what was queued before it started', async () => {
    const world = queueWorld()
    await world.put(['a@x.test', 'b@y.test'])
    const later = world.open('w2')
    await later.start()
    expect(await later.claim(10, NONE)).toHaveLength(2)
  })

  it('hands an unclaimed entry out again, untouched', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    await world.queue.unclaim(one(await world.queue.claim(1, NONE)))
    await tick()
    expect(one(await world.queue.claim(1, NONE)).recipients[0]?.attempts).toBe(0)
  })
})

describe('a worker that died', () => {
  it('loses its claims to the next as soon as its lease is gone', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    await world.queue.claim(1, NONE)
    // Its lease goes with it; what it held stays written down as held.
    await world.queue.stop()
    const next = world.open('w2')
    await next.start()
    expect(names(one(await next.claim(1, NONE)))).toEqual(['a@x.test'])
  })

  it('loses its claims after an hour even when its lease stays', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    const next = world.open('w2')
    await next.start()
    await world.clock.advance(59 * MINUTE)
    expect(await next.recover()).toBe(0)
    await world.clock.advance(2 * MINUTE)
    expect(await next.recover()).toBe(1)
    await tick()
    const again = one(await next.claim(1, NONE))
    // The slow worker's word about a deferral counts no more; its word that it delivered does.
    await world.queue.settle(claim, all(claim, 'deferred'))
    expect((await next.list({ state: 'delivering' })).entries).toHaveLength(1)
    await world.queue.settle(claim, all(claim, 'delivered'))
    expect(await next.count({})).toBe(0)
    await next.settle(again, all(again, 'failed'))
    expect(world.delivered).toHaveLength(0)
    expect(await world.keys()).toBe(0)
  })
})

describe('waiting for something to do', () => {
  it('wakes for a new message, a retry that falls due, a resume', async () => {
    const world = queueWorld()
    await world.queue.start()
    const drained = async () => {
      while ((await world.queue.claim(10, NONE)).length > 0);
    }
    const wakes = async (cause: () => unknown) => {
      let isAwake = false
      const waiting = world.queue.nextDue(new AbortController().signal).then(() => {
        isAwake = true
      })
      await tick()
      expect(isAwake).toBe(false)
      await cause()
      await waiting
    }
    await drained()
    await wakes(() => world.put(['a@x.test']))
    const claim = one(await world.queue.claim(10, NONE))
    await world.queue.settle(claim, all(claim, 'deferred'))
    await tick()
    await drained()
    await wakes(() => world.clock.advance(5 * MINUTE))
    await world.queue.pause('x.test')
    await drained()
    await wakes(() => world.queue.resume('x.test'))
    expect(await world.queue.claim(10, NONE)).toHaveLength(1)
  })

  it('waits for what is due in months without a timer that long', async () => {
    const world = queueWorld({ schedule: { delaysMs: [60 * 24 * HOUR], lifetimeMs: 90 * 24 * HOUR } })
    await world.queue.start()
    await world.put(['a@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.settle(claim, all(claim, 'deferred'))
    await tick()
    expect(await world.queue.claim(1, NONE)).toEqual([])
    const waits: number[] = []
    const { after } = world.clock
    world.clock.after = (ms, fn) => {
      waits.push(ms)
      return after(ms, fn)
    }
    const ended = new AbortController()
    const waiting = world.queue.nextDue(ended.signal)
    ended.abort()
    await waiting
    expect(waits).toEqual([HOUR])
  })

  it('does not spin while all that is due is busy', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    expect(await world.queue.claim(10, new Set(['x.test']))).toEqual([])
    const ended = new AbortController()
    let isAwake = false
    const waiting = world.queue.nextDue(ended.signal).then(() => {
      isAwake = true
    })
    await world.clock.advance(HOUR / 12)
    expect(isAwake).toBe(false)
    ended.abort()
    await waiting
  })
})
