import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { whileBusy } from '../../../plugins/level/segments/while-busy.ts'

/** Works for a millisecond in each of so many turns of the event loop, and tells how many are over. */
function work(turns: number): { readonly over: number } {
  const done = { over: 0 }
  const run = async () => {
    while (done.over < turns) {
      const until = performance.now() + 1
      while (performance.now() < until);
      done.over += 1
      await nextTurn()
    }
  }
  void run()
  return done
}

it('waits for a turn with nothing to do', async () => {
  const done = work(4)
  await whileBusy(1_000)
  expect(done.over).toBe(4)
})

it('waits no longer than it may while there is always something to do', async () => {
  const done = work(100)
  await whileBusy(3)
  expect(done.over).toBeGreaterThanOrEqual(2)
  expect(done.over).toBeLessThan(10)
})

it('is over at once when there is nothing to do', async () => {
  const began = performance.now()
  await whileBusy(1_000)
  expect(performance.now() - began).toBeLessThan(500)
})
