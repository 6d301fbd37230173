import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Database } from '../../../plugins/level/engine/database.ts'
import { type Fed, IndexFeed } from '../../../plugins/level/engine/index-feed.ts'
import { SharedState } from '../../../plugins/level/shared-state.ts'

interface Step {
  readonly fed: Fed
  readonly name: string
}

function feedOver(batch: (count: number) => Promise<void>) {
  const shared = new SharedState()
  const applied: string[] = []
  const heard: string[] = []
  const db = {
    batch() {
      const texts: string[] = []
      return {
        put: (key: Buffer) => void texts.push(key.toString()),
        async write() {
          await batch(texts.length)
          applied.push(...texts.filter((text) => text.length === 1))
        },
      }
    },
  } as unknown as Database
  const feed = new IndexFeed(db, shared.claim(0), () => shared.fail())
  let end = 0
  const add = (name: string): Step => {
    end += 10
    const visible = Promise.withResolvers<void>()
    visible.promise.catch(() => {})
    const fed: Fed = {
      place: { segment: 0, offset: end - 10, end, tally: { frames: 0, bytes: 0 } },
      sequence: BigInt(end),
      ops: [{ key: Buffer.from(name), value: Buffer.alloc(0) }],
      isSeal: false,
      state: 'pending',
      settled: (fault) => heard.push(fault === undefined ? name : `${name} ${fault.message}`),
      visible,
    }
    feed.add(fed)
    return { fed, name }
  }
  return { feed, shared, applied, heard, add }
}

describe('the way into the index', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('lets commits gather that nobody waits to see, and writes what all of them write once', async () => {
    vi.useFakeTimers()
    const batches: number[] = []
    const { feed, heard, add } = feedOver(async (count) => void batches.push(count))
    feed.ready(add('a').fed)
    await vi.advanceTimersByTimeAsync(1)
    feed.ready(add('b').fed)
    feed.ready(add('a').fed)
    expect(heard).toEqual([])
    await vi.advanceTimersByTimeAsync(20)
    // a, b and the position.
    expect(batches).toEqual([3])
    expect(heard).toEqual(['a', 'b', 'a'])
  })

  it('lets nothing gather while somebody waits for it', async () => {
    vi.useFakeTimers()
    const { feed, heard, add } = feedOver(async () => {})
    const [a, b] = [add('a'), add('b')]
    feed.ready(a.fed)
    feed.hurry()
    await vi.advanceTimersByTimeAsync(0)
    expect(heard).toEqual(['a'])
    // It was on its way when somebody began to wait.
    feed.ready(b.fed)
    await vi.advanceTimersByTimeAsync(0)
    expect(heard).toEqual(['a', 'b'])
    feed.ready(add('c').fed)
    await vi.advanceTimersByTimeAsync(0)
    expect(heard).toEqual(['a', 'b'])
    await vi.advanceTimersByTimeAsync(20)
    expect(heard).toEqual(['a', 'b', 'c'])
  })

  it('keeps the order of the places, whatever is ready first', async () => {
    const { feed, applied, heard, add } = feedOver(async () => {})
    const [a, b, c] = [add('a'), add('b'), add('c')]
    feed.ready(c.fed)
    feed.ready(b.fed)
    expect(applied).toEqual([])
    feed.ready(a.fed)
    await feed.whenIdle()
    // One batch, in which each key is written once.
    expect(applied.toSorted()).toEqual(['a', 'b', 'c'])
    expect(heard).toEqual(['a', 'b', 'c'])
  })

  it('goes on without a commit that was taken back', async () => {
    const { feed, applied, heard, add } = feedOver(async () => {})
    const [a, b, c] = [add('a'), add('b'), add('c')]
    feed.ready(c.fed)
    feed.takenBack(a.fed, new Error('is gone'))
    feed.takenBack(b.fed, new Error('is gone'))
    await feed.whenIdle()
    expect(applied).toEqual(['c'])
    expect(heard).toEqual(['a is gone', 'b is gone', 'c'])
  })

  it('shows nothing from one on that may not be on disk', async () => {
    const { feed, applied, heard, add } = feedOver(async () => {})
    const [a, b, c] = [add('a'), add('b'), add('c')]
    feed.ready(a.fed)
    feed.failFrom(b.fed, new Error('is lost'))
    feed.ready(c.fed)
    feed.ready(add('d').fed)
    await feed.whenIdle()
    expect(applied).toEqual(['a'])
    expect(heard.toSorted()).toEqual(['a', 'b is lost', 'c is lost', 'd is lost'])
  })

  it('moves no position past a commit that could not be applied', async () => {
    let batches = 0
    const { feed, shared, heard, add } = feedOver(async () => {
      batches += 1
      throw new Error('no index')
    })
    const [a, b] = [add('a'), add('b')]
    feed.ready(a.fed)
    feed.hurry()
    await expect(a.fed.visible.promise).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    feed.ready(b.fed)
    feed.ready(add('c').fed)
    await feed.whenIdle()
    expect(batches).toBe(1)
    expect(heard.length).toBe(3)
    expect(shared.hasFailed).toBe(true)
  })
})
