import type { Clock } from '../../src/kernel/clock.ts'

/** A clock that stands still until a test moves it. */
export function manualClock(): Clock & { advance(ms: number): void; readonly pending: number } {
  let now = 1_000_000
  const timers = new Map<object, { at: number; fn: () => void }>()
  const after = (ms: number, fn: () => void) => {
    const timer = {}
    timers.set(timer, { at: now + ms, fn })
    return () => void timers.delete(timer)
  }
  return {
    now: () => now,
    after,
    sleep: (ms) => new Promise((resolve) => after(ms, resolve)),
    get pending() {
      return timers.size
    },
    advance(ms) {
      now += ms
      for (const [timer, { at, fn }] of [...timers].sort(([, a], [, b]) => a.at - b.at)) {
        if (at > now || !timers.delete(timer)) continue
        fn()
      }
    },
  }
}
