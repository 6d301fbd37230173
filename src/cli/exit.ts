/** The one place that ends the process or listens to its signals. */

/** The process ends with this code once nothing is left to do. */
export function setExitCode(code: number): void {
  process.exitCode = code
}

/** Ends the process now, for what would not end by itself. */
export function exitNow(code: number): never {
  process.exit(code)
}

interface Stoppable {
  stop(options?: { readonly drain?: boolean }): Promise<void>
  reload(): Promise<unknown>
}

const FAILED = 1
/**
 * Ctrl-C reaches every process of the terminal's group, and a parent such as npm passes it on as well: signals that
 * follow within this time are one and the same.
 */
const SAME_SIGNAL_MS = 500

/**
 * Lets signals rule a server from before it has started: SIGTERM and SIGINT drain and stop it, a second one of them
 * does not wait for work in hand, SIGHUP reloads. A server that is still starting is stopped as soon as it has started,
 * unless a second signal ends the process at once.
 */
export function obeySignals(): {
  /** @returns false when the server has been told to stop before it had started */
  readonly rule: (server: Stoppable) => boolean
  readonly release: () => void
} {
  let server: Stoppable | undefined
  let firstStop: number | undefined
  const stop = () => {
    const now = performance.now()
    firstStop ??= now
    const isRepeated = now - firstStop > SAME_SIGNAL_MS
    if (server !== undefined) void server.stop({ drain: !isRepeated })
    else if (isRepeated) exitNow(FAILED)
  }
  const reload = () => {
    server?.reload().catch(() => {
      // The server has logged why, and goes on with the configuration it has.
    })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', reload)
  return {
    rule: (started) => {
      server = started
      if (firstStop === undefined) return true
      void started.stop()
      return false
    },
    release: () => {
      process.off('SIGTERM', stop)
      process.off('SIGINT', stop)
      process.off('SIGHUP', reload)
    },
  }
}

/**
 * Lets Ctrl-C and SIGTERM stop long work in order: the first asks it to end, a second one ends the process at once.
 * @returns ends that
 */
export function onInterrupt(stop: () => void): () => void {
  let first: number | undefined
  const heard = () => {
    const now = performance.now()
    if (first === undefined) stop()
    else if (now - first > SAME_SIGNAL_MS) exitNow(FAILED)
    first ??= now
  }
  process.on('SIGINT', heard)
  process.on('SIGTERM', heard)
  return () => {
    process.off('SIGINT', heard)
    process.off('SIGTERM', heard)
  }
}
