import { describe, expect, it } from 'vitest'
import { ScopeLocks, type Turn } from '../../../plugins/level/engine/scope-locks.ts'

const rest = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms))

/** Two threads' locks over the same words. */
function twoThreads(): [ScopeLocks, ScopeLocks] {
  const words = new Int32Array(new SharedArrayBuffer(4 * 16))
  return [new ScopeLocks(words, 1), new ScopeLocks(words, 2)]
}

describe('a turn in a scope', () => {
  it('lets the next of its thread in when it passes, and others when all of them are over', async () => {
    const [mine, others] = twoThreads()
    const seen: string[] = []
    const enter = async (locks: ScopeLocks, name: string): Promise<Turn> => {
      const turn = await locks.acquire(['s'])
      seen.push(name)
      return turn
    }
    const first = await enter(mine, 'first')
    const [second, other] = [enter(mine, 'second'), enter(others, 'other')]
    await rest()
    expect(seen).toEqual(['first'])
    first.pass()
    await second
    ;(await second).end()
    await rest(20)
    expect(seen).toEqual(['first', 'second'])
    first.end()
    first.end()
    ;(await other).end()
    expect(seen).toEqual(['first', 'second', 'other'])
    ;(await enter(mine, 'third')).end()
  })

  it('tells whether another thread waits for it', async () => {
    const [mine, others] = twoThreads()
    const turn = await mine.acquire(['s', 't'])
    expect(turn.isAwaited()).toBe(false)
    // One of its own thread need not wait until it is over.
    const next = mine.acquire(['s'])
    await rest()
    expect(turn.isAwaited()).toBe(false)
    turn.pass()
    ;(await next).end()
    const other = others.acquire(['t'])
    await rest()
    expect(turn.isAwaited()).toBe(true)
    turn.end()
    ;(await other).end()
  })

  it('may be taken by its thread again while one that has passed is not over', async () => {
    const [mine, others] = twoThreads()
    const first = await mine.acquire(['s'])
    first.pass()
    const second = await mine.acquire(['s'])
    first.end()
    let isIn = false
    const other = others.acquire(['s']).then((turn) => {
      isIn = true
      return turn
    })
    await rest(20)
    expect(isIn).toBe(false)
    second.end()
    ;(await other).end()
  })

  it('holds several scopes until it passes, each once', async () => {
    const [mine] = twoThreads()
    const both = await mine.acquire(['a', 'b', 'a'])
    const entered: string[] = []
    const waiting = ['a', 'b'].map(async (scope) => {
      const turn = await mine.acquire([scope])
      entered.push(scope)
      turn.end()
    })
    await rest()
    expect(entered).toEqual([])
    both.pass()
    await Promise.all(waiting)
    expect(entered).toEqual(['a', 'b'])
    both.end()
  })

  it('ends for everybody when its thread closes, and none of its thread gets in after that', async () => {
    const [mine, others] = twoThreads()
    const [inside, passed] = [await mine.acquire(['a', 'b']), await mine.acquire(['c'])]
    passed.pass()
    const waiting = mine.acquire(['b'])
    waiting.catch(() => {})
    const held = await others.acquire(['d'])
    const contending = mine.acquire(['d'])
    contending.catch(() => {})
    await rest()
    mine.close()
    await expect(waiting).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    const theirs = await Promise.all(['a', 'b', 'c'].map((scope) => others.acquire([scope])))
    inside.end()
    passed.end()
    held.end()
    await expect(contending).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(mine.acquire(['a'])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    for (const turn of theirs) turn.end()
    for (const scope of ['a', 'b', 'c', 'd']) (await others.acquire([scope])).end()
  })

  it('goes to another thread that waits after sixteen of its own, however many of those there are', async () => {
    const threads = twoThreads()
    const order: number[] = []
    let isOver = false
    const work = async (thread: number) => {
      while (!isOver) {
        const turn = await (threads[thread] as ScopeLocks).acquire(['s'])
        order.push(thread)
        await rest()
        turn.pass()
        await rest(1)
        turn.end()
      }
    }
    const all = [...Array.from({ length: 40 }, () => work(0)), ...Array.from({ length: 3 }, () => work(1))]
    await rest(1_000)
    isOver = true
    await Promise.all(all)
    const first = order.indexOf(1)
    expect(first).toBeLessThan(20)
    let longest = 0
    let run = 0
    for (const thread of order.slice(first, order.lastIndexOf(1))) {
      run = thread === 0 ? run + 1 : 0
      longest = Math.max(longest, run)
    }
    expect(longest).toBeGreaterThan(10)
    expect(longest).toBeLessThan(20)
  })

  it('never waits in a circle, however the scopes of many fall on few locks', async () => {
    // Three words: two scopes of one turn often share one, and turns of all threads meet in every order.
    const words = new Int32Array(new SharedArrayBuffer(4 * 3))
    const threads = [1, 2, 3].map((owner) => new ScopeLocks(words, owner))
    const names = Array.from({ length: 9 }, (_, at) => `scope ${at}`)
    const inside = new Map<string, number>()
    let random = 7
    const below = (limit: number) => {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 1
      return random % limit
    }
    let turns = 0
    const work = async (locks: ScopeLocks) => {
      for (let round = 0; round < 60; round++) {
        const scopes = Array.from({ length: 1 + below(4) }, () => names[below(names.length)] as string)
        const turn = await locks.acquire(scopes)
        const own = new Set(scopes)
        for (const scope of own) {
          expect(inside.get(scope) ?? 0, 'two in one scope').toBe(0)
          inside.set(scope, 1)
        }
        if (below(3) === 0) await rest()
        for (const scope of own) inside.set(scope, 0)
        turn.pass()
        if (below(3) === 0) await rest()
        turn.end()
        turns += 1
      }
    }
    await Promise.all(threads.flatMap((locks) => Array.from({ length: 5 }, () => work(locks))))
    expect(turns).toBe(900)
    expect([...words]).toEqual([0, 0, 0])
  }, 30_000)
})
