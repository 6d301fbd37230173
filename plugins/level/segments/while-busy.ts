import { setImmediate as nextTurn } from 'node:timers/promises'

/** A turn of the event loop that has taken less had nothing to do, milliseconds. */
const IDLE_TURN_MS = 0.05

/** Resolves after a turn of the event loop that had nothing to do, or after the first that ends later than `ms` from now. */
export async function whileBusy(ms: number): Promise<void> {
  const began = performance.now()
  let before = began
  for (;;) {
    await nextTurn()
    const now = performance.now()
    if (now - before < IDLE_TURN_MS || now - began >= ms) return
    before = now
  }
}
