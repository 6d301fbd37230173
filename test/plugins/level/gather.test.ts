import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { gather } from '../../../plugins/level/segments/gather.ts'

const TURN_MS = 0.2

/** Works in each of so many turns of the event loop, and tells how many are over. */
function work(turns: number): { readonly over: number } {
  const done = { over: 0 }
  const run = async () => {
    while (done.over < turns) {
      const until = performance.now() + TURN_MS
      while (performance.now() < until);
      done.over += 1
      await nextTurn()
    }
  }
  void run()
  return done
}

it('waits for a turn with nothing to do', async () => {
  // On a busy machine three turns may take longer than it waits.
  await expect
    .poll(async () => {
      const done = work(3)
      await gather(() => 0)
      return done.over
    })
    .toBe(3)
})

/** Milliseconds that it takes to gather while there is always something to do. */
async function gathered(count: (done: { readonly over: number }) => number): Promise<number> {
  const done = work(200)
  const began = performance.now()
  await gather(() => count(done))
  const took = performance.now() - began
  expect(done.over).toBeLessThan(100)
  return took
}

it('waits a moment for others while there is always something to do', async () => {
  expect(await gathered(() => 0)).toBeGreaterThanOrEqual(1)
})

it('waits longer as long as others come, and not for ever', async () => {
  expect(await gathered(({ over }) => over)).toBeGreaterThanOrEqual(2.5)
})

it('is over at once when there is nothing to do', async () => {
  const began = performance.now()
  await gather(() => 0)
  expect(performance.now() - began).toBeLessThan(500)
})
