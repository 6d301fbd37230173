import { describe, expect, it } from 'vitest'
import type { Claim, QueueEntry } from '../../src/queue/queue.ts'
import { all, HOUR, MINUTE, NONE, names, one, putOff, queueWorld, tick } from './queue-world.ts'

const name = ({ recipient }: QueueEntry) => `${recipient.message}/${recipient.index}`

describe('listing', () => {
  it('pages through everything in a stable order, also while entries go', async () => {
    const world = queueWorld()
    await world.queue.start()
    for (let at = 0; at < 30; at++) await world.put(['a@x.test', 'b@y.test'])
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await world.queue.list({}, { limit: 7, ...(after !== undefined && { after }) })
      seen.push(...page.entries.map(name))
      await world.queue.remove({ id: page.entries[0]?.recipient.message ?? '' })
      after = page.next
    } while (after !== undefined)
    expect(seen).toEqual([...seen].sort())
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.at(-1)).toBe('m000030/1')
  })

  it('shows nothing of what only the queue needs to know', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    await world.queue.claim(1, NONE)
    await world.queue.hold({})
    const entry = (await world.queue.list({})).entries[0]?.recipient
    expect(Object.keys(entry ?? {}).sort()).toEqual(
      ['attempts', 'dueAt', 'expiresAt', 'index', 'message', 'recipient', 'state'].sort(),
    )
  })

  it.each([
    [{}, 4],
    [{ id: 'm000001' }, 2],
    [{ id: 'm000001/1' }, 1],
    [{ id: 'm00000' }, 0],
    [{ domain: 'x.test' }, 2],
    [{ domain: 'X.TEST.' }, 2],
    [{ domain: '*.test' }, 4],
    [{ recipient: 'a@x.test' }, 2],
    [{ recipient: 'A@*' }, 2],
    [{ recipient: '*@y.test' }, 2],
    [{ recipient: 'a@x.testing' }, 0],
    [{ sender: '<>' }, 2],
    [{ sender: 'alice@home.test' }, 2],
    [{ sender: 'alice@home.test', domain: 'y.test' }, 1],
    [{ state: 'waiting' as const }, 4],
    [{ state: 'held' as const }, 0],
    [{ domain: '[192.0.2.1]' }, 0],
    [{ recipient: '*' }, 4],
  ])('finds by %j', async (filter, count) => {
    const world = queueWorld()
    await world.put(['a@x.test', 'b@y.test'])
    await world.put(['a@x.test', 'c@y.test'], { sender: null })
    expect(await world.queue.count(filter)).toBe(count)
    expect((await world.queue.list(filter)).entries).toHaveLength(count)
  })

  it.each([
    { domain: 'bad..domain' },
    { domain: '' },
    { domain: 'a b' },
    { domain: '*..test' },
    { domain: 'a@x.test' },
    { recipient: 'x.test' },
    { recipient: 'a b@x.test' },
    { sender: '*@bad..domain' },
  ])('refuses %j, which can match nothing', async (filter) => {
    const world = queueWorld()
    await world.put(['a@x.test'])
    await expect(world.queue.list(filter)).rejects.toMatchObject({ code: 'INVALID' })
    await expect(world.queue.remove(filter)).rejects.toMatchObject({ code: 'INVALID' })
  })
})

describe('holding and releasing', () => {
  it('keeps held entries from being tried, over any time', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test', 'b@y.test'])
    expect(await world.queue.hold({ domain: 'x.test' })).toBe(1)
    expect(await world.queue.hold({ domain: 'x.test' })).toBe(0)
    await world.clock.advance(HOUR)
    expect((await world.queue.claim(10, NONE)).map(({ destination }) => destination)).toEqual(['y.test'])
    expect(await world.queue.release({})).toBe(1)
    await tick()
    expect((await world.queue.claim(10, NONE)).map(({ destination }) => destination)).toEqual(['x.test'])
  })

  it('holds what is being delivered once the attempt has ended', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    expect(await world.queue.hold({})).toBe(1)
    expect(await world.queue.count({ state: 'delivering' })).toBe(1)
    await world.queue.settle(claim, all(claim, 'deferred'))
    expect(await world.queue.count({ state: 'held' })).toBe(1)
    await world.clock.advance(HOUR)
    expect(await world.queue.claim(1, NONE)).toEqual([])
  })

  it('holds what was given back unsent', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.hold({})
    await world.queue.unclaim(claim)
    expect(await world.queue.count({ state: 'held' })).toBe(1)
  })

  it('forgets a hold that was released before the attempt ended', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.hold({})
    expect(await world.queue.release({})).toBe(1)
    await world.queue.settle(claim, all(claim, 'deferred'))
    expect(await world.queue.count({ state: 'waiting' })).toBe(1)
  })
})

describe('retry and reroute', () => {
  it('makes waiting entries due at once', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.settle(claim, all(claim, 'deferred'))
    await tick()
    expect(await world.queue.claim(1, NONE)).toEqual([])
    expect(await world.queue.retry({ recipient: 'a@*' })).toBe(1)
    await tick()
    expect(one(await world.queue.claim(1, NONE)).recipients[0]?.attempts).toBe(1)
  })

  it('writes nothing about what is due already, and counts it', async () => {
    const world = queueWorld()
    await world.queue.start()
    const id = await world.put(['a@x.test'])
    expect(await world.queue.retry({})).toBe(1)
    await tick()
    expect(world.events.get(id) ?? []).toEqual([])
    expect(await world.queue.claim(1, NONE)).toHaveLength(1)
  })

  it('makes due at once what an attempt in progress puts off for a server that is away', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test', 'b@y.test'])
    const [first, second] = await world.queue.claim(2, NONE)
    expect(await world.queue.retry({})).toBe(2)
    await world.queue.settle(first as Claim, putOff(first as Claim, 60_000))
    await world.queue.settle(second as Claim, all(second as Claim, 'deferred'))
    await tick()
    expect((await world.queue.claim(2, NONE)).map(names)).toEqual([names(first as Claim)])
  })

  it('tells every worker before anything becomes due', async () => {
    const world = queueWorld()
    const other = world.open('w2')
    await world.queue.start()
    await world.put(['a@x.test'])
    let heard = 0
    const stop = other.onRetry(() => {
      heard += 1
    })
    await world.queue.retry({})
    await tick()
    expect(heard).toBe(1)
    stop()
    await world.queue.retry({})
    await tick()
    expect(heard).toBe(1)
  })

  it('moves entries to another next hop and back', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    expect(await world.queue.reroute({}, 'smtp://gw.test:2525')).toBe(1)
    await tick()
    const claim = one(await world.queue.claim(1, NONE))
    expect(claim.destination).toBe('smtp://gw.test:2525')
    await world.queue.unclaim(claim)
    await world.queue.reroute({}, undefined)
    await tick()
    expect(one(await world.queue.claim(1, NONE)).destination).toBe('x.test')
    expect(await world.keys()).toBe(3)
  })
})

describe('bouncing and removing', () => {
  it('tells the sender about bounced entries, once for a message', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test', 'b@y.test'])
    await world.put(['c@x.test'])
    expect(await world.queue.bounce({}, 'This account was closed')).toBe(3)
    expect(world.delivered).toHaveLength(2)
    expect(world.delivered[0]?.text).toContain('This account was closed')
    expect(await world.keys()).toBe(0)
    expect(await world.links()).toBe(0)
    expect(world.settled.map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'failed'])
  })

  it('tells nobody about removed ones', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test', 'b@y.test'])
    expect(await world.queue.remove({ domain: 'x.test' })).toBe(1)
    expect(await world.links()).toBe(1)
    expect(await world.queue.remove({})).toBe(1)
    expect(world.delivered).toEqual([])
    expect(await world.keys()).toBe(0)
    expect(await world.links()).toBe(0)
    await tick()
    expect(await world.queue.claim(10, NONE)).toEqual([])
  })

  it.each([
    ['delivered', 'remove', 0],
    ['deferred', 'remove', 0],
    ['failed', 'remove', 0],
    ['delivered', 'bounce', 0],
    ['deferred', 'bounce', 1],
    ['failed', 'bounce', 1],
    ['unclaimed', 'bounce', 1],
    ['unclaimed', 'remove', 0],
  ] as const)('an entry in delivery that ends %s after %s is gone, with %d reports', async (end, command, count) => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    expect(await world.queue[command]({})).toBe(1)
    expect(await world.queue.count({ state: 'delivering' })).toBe(1)
    if (end === 'unclaimed') await world.queue.unclaim(claim)
    else await world.queue.settle(claim, all(claim, end))
    expect(world.delivered).toHaveLength(count)
    expect(await world.keys()).toBe(0)
  })

  it('bounces nothing whose sender cannot be told', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test', { to: 'b@x.test', notify: ['never'] }])
    world.faults.directory = true
    expect(await world.queue.bounce({})).toBe(1)
    expect((await world.queue.list({})).entries.map(({ recipient }) => [recipient.index, recipient.attempts])).toEqual([
      [0, 0],
    ])
  })

  it('works on many messages', async () => {
    const world = queueWorld()
    await world.queue.start()
    for (let at = 0; at < 300; at++) await world.put(['a@x.test'])
    await world.clock.advance(MINUTE)
    expect(await world.queue.remove({ sender: 'alice@*' })).toBe(300)
    expect(await world.keys()).toBe(0)
  })
})
