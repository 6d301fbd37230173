import type { Clock } from '../kernel/clock.ts'

/** A clock that stands still until the test moves it. */
export interface FakeClock extends Clock {
  /** Moves on by `ms`, calling what falls due in order, each at its own time; lets promises settle in between. */
  advance(ms: number): Promise<void>
  /** How many timers wait. */
  readonly pending: number
}

/** @param start milliseconds since the epoch */
export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  let now = start
  let last = 0
  const timers = new Map<number, { at: number; fn: () => void }>()
  const after = (ms: number, fn: () => void) => {
    const id = ++last
    timers.set(id, { at: now + Math.max(0, ms), fn })
    return () => void timers.delete(id)
  }
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    now: () => now,
    after,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const onAbort = () => {
          cancel()
          reject(signal?.reason)
        }
        const cancel = after(ms, () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        })
        signal?.addEventListener('abort', onAbort, { once: true })
      })
    },
    get pending() {
      return timers.size
    },
    async advance(ms) {
      const until = now + ms
      await settle()
      for (;;) {
        const next = [...timers]
          .filter(([, timer]) => timer.at <= until)
          .sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0]
        if (next === undefined) break
        timers.delete(next[0])
        now = Math.max(now, next[1].at)
        next[1].fn()
        await settle()
      }
      now = until
      await settle()
    },
  }
}
