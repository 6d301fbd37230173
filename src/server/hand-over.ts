import type { Clock } from '../kernel/clock.ts'
import type { Generation } from './generation.ts'
import { readWorkers } from './server-readings.ts'

/** Closing ports is a matter of moments; a plugin that keeps one open for longer does not hold a reload up. */
const HAND_OVER_MS = 2_000
const LOOK_MS = 20

/** Until the old workers take no new connections, so that whoever comes after a reload meets the new configuration. */
export async function handedOver(old: Generation, clock: Clock): Promise<void> {
  const until = clock.now() + HAND_OVER_MS
  while (clock.now() < until) {
    const reports = await readWorkers([old])
    if (reports.every(({ report }) => (report?.listeners.length ?? 0) === 0)) return
    await clock.sleep(LOOK_MS)
  }
}
