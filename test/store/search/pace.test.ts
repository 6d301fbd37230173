import { expect, it } from 'vitest'
import type { Clock } from '../../../src/kernel/clock.ts'
import { Pace } from '../../../src/store/search/pace.ts'

const never = new AbortController().signal

/** A clock that moves by what it is told, and by what it is slept. */
function stepped() {
  const state = { now: 0, slept: [] as number[] }
  const clock: Clock = {
    now: () => state.now,
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      state.slept.push(ms)
      state.now += ms
    },
    after: () => () => {},
  }
  return { state, clock }
}

it('goes on at once while nobody delivers', async () => {
  const { state, clock } = stepped()
  const pace = new Pace(clock)
  for (let piece = 0; piece < 20; piece++) {
    state.now += 30
    await pace.turn(never)
  }
  expect(state.slept).toEqual([])
})

it('takes a fifth of the time while mail comes, and all of it a second after the last', async () => {
  const { state, clock } = stepped()
  const pace = new Pace(clock)
  let worked = 0
  while (state.now < 10_000) {
    pace.heard()
    state.now += 5
    worked += 5
    await pace.turn(never)
  }
  expect(worked / state.now).toBeCloseTo(0.2, 2)
  state.now += 1_000
  pace.begin()
  state.slept.length = 0
  state.now += 30
  await pace.turn(never)
  expect(state.slept).toEqual([])
})

it('pauses for a second at most, and ends a pause when it is told to', async () => {
  const { state, clock } = stepped()
  const pace = new Pace(clock)
  pace.heard()
  state.now += 900
  await pace.turn(never)
  expect(state.slept).toEqual([1_000])
  pace.heard()
  state.now += 10
  await expect(pace.turn(AbortSignal.abort(new Error('over')))).rejects.toThrow('over')
})

it('pauses when others take their turns of the loop', async () => {
  const { state, clock } = stepped()
  const pace = new Pace(clock)
  state.now += 3
  setImmediate(() => {
    state.now += 20
  })
  await pace.turn(never)
  expect(state.slept).toEqual([12])
})
