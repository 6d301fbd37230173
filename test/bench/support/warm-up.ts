import type { System } from '../system.ts'
import { runSteps } from './imap-steps-case.ts'

const FLAG = '\\Answered'

/**
 * Traffic before anything is timed, as a server that has run for a while has had: a runtime compiles what is often used, and
 * caches fill. What is timed cold says so, and restarts the server.
 */
export async function warmUp(system: System): Promise<void> {
  await runSteps(
    system,
    [
      { key: 'select', kind: 'whole', text: 'SELECT INBOX', times: 300 },
      { key: 'fetch', kind: 'each', text: 'FETCH {n} (UID FLAGS)', from: 1, to: 1_000 },
      { key: 'store', kind: 'each', text: `STORE {n} +FLAGS (${FLAG})`, from: 1, to: 500 },
      { key: 'pipeline', kind: 'pipeline', text: `STORE {n} -FLAGS (${FLAG})`, from: 1, to: 2_000 },
    ],
    ({ median }) => median,
  )
}
