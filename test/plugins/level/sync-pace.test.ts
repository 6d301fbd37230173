import { describe, expect, it } from 'vitest'
import { SyncPace } from '../../../plugins/level/segments/sync-pace.ts'

/** Syncs that begin with so many waiters and take so long, while so many come. @returns how many were held */
function held(pace: SyncPace, count: number, { waiters = 1, bytes = 5_000, ms = 0.2, came = 0 } = {}): number {
  let sum = 0
  for (let at = 0; at < count; at++) {
    const isHeld = pace.mayHold(waiters, bytes)
    if (isHeld) sum += 1
    pace.ended(ms, isHeld ? undefined : came)
  }
  return sum
}

describe('a sync is waited for by the thread itself', () => {
  it('once commits have come one by one for a while, but for one in a while that looks for others', () => {
    const pace = new SyncPace()
    expect(held(pace, 16)).toBe(0)
    expect(held(pace, 1_010)).toBe(1_000)
  })

  it('never when one waits for it and others come meanwhile', () => {
    expect(held(new SyncPace(), 1_000, { came: 1 })).toBe(0)
  })

  it('at once when several with little wait for the same one, and the disk is known to be quick', () => {
    expect(held(new SyncPace(), 100, { waiters: 2 })).toBe(99)
    expect(held(new SyncPace(), 100, { waiters: 2, ms: 3 })).toBe(0)
    expect(held(new SyncPace(), 100, { waiters: 50, bytes: 250_000 })).toBe(99)
    expect(held(new SyncPace(), 100, { waiters: 2, bytes: 100_000 })).toBe(0)
    expect(held(new SyncPace(), 100, { waiters: 200, bytes: 1024 * 1024 })).toBe(0)
  })

  it('for one that comes behind several, but not for the next as well', () => {
    const pace = new SyncPace()
    held(pace, 20, { waiters: 2 })
    expect(held(pace, 1, { came: 3 })).toBe(1)
    expect(held(pace, 10, { came: 3 })).toBe(0)
  })

  it('also after syncs of the pool that a busy thread has heard of late', () => {
    const pace = new SyncPace()
    held(pace, 20, { waiters: 2 })
    held(pace, 1)
    expect(held(pace, 50, { ms: 12, came: 5 })).toBe(0)
    expect(held(pace, 10, { waiters: 2 })).toBe(10)
  })

  it('no longer than until somebody has come', () => {
    const pace = new SyncPace()
    held(pace, 16)
    expect(held(pace, 1_000, { came: 2 })).toBe(100)
    expect(held(pace, 15)).toBe(0)
    expect(held(pace, 10)).toBe(9)
  })

  it('never when a large message is to be written', () => {
    const pace = new SyncPace()
    held(pace, 50)
    expect(held(pace, 20, { bytes: 20_000_000 })).toBe(0)
    expect(held(pace, 10)).toBe(10)
  })

  it('never on a slow disk, and not right after a sync that was slow', () => {
    const pace = new SyncPace()
    expect(held(pace, 1_000, { ms: 8 })).toBe(0)
    expect(held(pace, 200)).toBeGreaterThan(100)
    held(pace, 1, { ms: 40 })
    expect(held(pace, 10)).toBe(0)
    expect(held(pace, 100)).toBeGreaterThan(40)
  })
})
