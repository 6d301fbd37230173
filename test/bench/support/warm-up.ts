import type { Effort } from '../scenario.ts'
import type { System } from '../system.ts'
import { runSteps } from './imap-steps-case.ts'

const FLAG = '\\Answered'
/** The runtime of ours goes on compiling for some thousand commands. */
const OUR_ROUNDS = { full: 5, quick: 3 }

/**
 * Traffic before anything is timed, as a server that has run for a while has had: a runtime compiles what is often used, and
 * caches fill. What is timed cold says so, and restarts the server.
 */
export async function warmUp(system: System, { isQuick }: Effort): Promise<void> {
  const rounds = system.name === 'ours' ? OUR_ROUNDS[isQuick ? 'quick' : 'full'] : 1
  for (let round = 0; round < rounds; round++) {
    await runSteps(
      system,
      [
        { key: 'select', kind: 'whole', text: 'SELECT INBOX', times: 300 },
        { key: 'search', kind: 'whole', text: 'UID SEARCH UNSEEN SINCE 1-Jan-2020', times: 10 },
        { key: 'fetch', kind: 'each', text: 'FETCH {n} (UID FLAGS)', from: 1, to: 1_000 },
        { key: 'store', kind: 'each', text: `STORE {n} +FLAGS (${FLAG})`, from: 1, to: 1_000 },
        { key: 'pipeline', kind: 'pipeline', text: `STORE {n} -FLAGS (${FLAG})`, from: 1, to: 2_000 },
      ],
      ({ median }) => median,
    )
  }
}
