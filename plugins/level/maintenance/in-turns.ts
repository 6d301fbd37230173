/** How long a scan may hold the thread before everything else gets a turn. */
const TURN_MS = 5

/** Goes through a scan so that the thread stays free for others. @throws the signal's reason once it fires */
export async function* inTurns<T>(scan: Iterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  let began = performance.now()
  for (const found of scan) {
    yield found
    if (performance.now() - began < TURN_MS) continue
    await new Promise((resolve) => setImmediate(resolve))
    signal.throwIfAborted()
    began = performance.now()
  }
}
