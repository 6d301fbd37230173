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
 * does not wait for work in hand, SIGHUP reloads. A signal that comes while it starts ends the process at once.
 */
export function obeySignals(): { readonly rule: (server: Stoppable) => void; readonly release: () => void } {
  let server: Stoppable | undefined
  let firstStop: number | undefined
  const stop = () => {
    if (server === undefined) exitNow(FAILED)
    const now = performance.now()
    firstStop ??= now
    const isRepeated = now - firstStop > SAME_SIGNAL_MS
    void server.stop({ drain: !isRepeated })
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
    },
    release: () => {
      process.off('SIGTERM', stop)
      process.off('SIGINT', stop)
      process.off('SIGHUP', reload)
    },
  }
}
