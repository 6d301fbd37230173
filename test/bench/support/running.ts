/** Exit code of a program that a signal ended, as a shell says it: 128 and the number of SIGINT. */
const INTERRUPTED = 130

const SETTLE_MS = 1_000

const running = new Set<AsyncDisposable>()

/** Takes part in the end of the benchmark, should a signal end it: nothing stays behind. Returns what it was given. */
export function untilEnd<T extends AsyncDisposable>(resource: T): T {
  running.add(resource)
  return resource
}

/** It has ended by itself. */
export const hasEnded = (resource: AsyncDisposable): void => void running.delete(resource)

/** From now on a signal ends every system that runs, and then this process. */
export function endWithSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      const ends = [...running].reverse().map((one) => one[Symbol.asyncDispose]())
      // Whoever waited for them takes away their directories.
      void Promise.allSettled(ends).then(() => setTimeout(() => process.exit(INTERRUPTED), SETTLE_MS))
    })
  }
}
