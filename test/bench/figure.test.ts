import { describe, expect, it } from 'vitest'
import { barAgainst, type Figure, markOf, markOfLimit, ratioOf } from './figure.ts'

const rate: Figure = { key: 'rate', title: 'rate', unit: 'messages/s', better: 'more' }
const time: Figure = { key: 'ms', title: 'time', unit: 'ms', better: 'less' }

describe('a ratio', () => {
  it('is above 1 where we are ahead, whichever way the figure counts', () => {
    expect(ratioOf(rate, 2000, 1000)).toBe(2)
    expect(ratioOf(time, 5, 10)).toBe(2)
    expect(ratioOf(time, 10, 5)).toBe(0.5)
  })

  it('is none where one side has nothing', () => {
    expect(ratioOf(rate, 2000, 0)).toBeUndefined()
    expect(ratioOf(time, 0, 10)).toBeUndefined()
  })
})

describe('a bar', () => {
  it('is missed below its floor, passed from there on, and reached at the goal', () => {
    const bar = { floor: 2, goal: 4 }
    expect([1.99, 2, 3.99, 4].map((ratio) => markOf(bar, ratio))).toEqual(['miss', 'pass', 'pass', 'goal'])
    expect(markOf({ floor: 1 }, 1)).toBe('goal')
  })

  it('of one peer goes before that of all', () => {
    const figure: Figure = { ...rate, bars: [{ floor: 1 }, { floor: 4, peer: 'slow' }] }
    expect(barAgainst(figure, 'slow')?.floor).toBe(4)
    expect(barAgainst(figure, 'other')?.floor).toBe(1)
    expect(barAgainst({ ...rate, bars: [{ floor: 4, peer: 'slow' }] }, 'other')).toBeUndefined()
  })
})

describe('a limit of our own', () => {
  it('counts from above or below, as the figure does', () => {
    expect([6, 5, 3, 2].map((ms) => markOfLimit(time, { floor: 5, goal: 2 }, ms))).toEqual([
      'miss',
      'pass',
      'pass',
      'goal',
    ])
    expect([9, 10, 20].map((value) => markOfLimit(rate, { floor: 10, goal: 20 }, value))).toEqual([
      'miss',
      'pass',
      'goal',
    ])
  })
})
