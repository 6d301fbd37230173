import type { Step, StepsJob, StepsResult } from '../load/imap-steps.ts'
import { runLoad } from '../load/run-load.ts'
import type { Measured } from '../scenario.ts'
import { quantile } from '../statistics.ts'
import { addressOf, PASSWORD, type System } from '../system.ts'

/** What the turns of a step took. */
export interface Figures {
  /** Milliseconds. */
  readonly median: number
  /** Octets of a response. */
  readonly octets: number
}

/** Runs steps on the first account's INBOX, in one session, and makes a value of each. Says how busy the client was. */
export async function runSteps(
  { ports }: Pick<System, 'ports'>,
  steps: readonly Step[],
  value: (figures: Figures, step: Step) => number,
  after: readonly string[] = [],
): Promise<Measured> {
  const job: StepsJob = {
    port: ports.imaps ?? 0,
    tls: true,
    user: addressOf(1),
    password: PASSWORD,
    before: ['SELECT INBOX'],
    steps,
    after,
  }
  const { timesMs, octets, clientShare } = await runLoad<StepsResult>('imap-steps.ts', job)
  const values = steps.map((step) => {
    const figures = { median: quantile(timesMs[step.key] ?? [], 0.5), octets: octets[step.key] ?? 0 }
    return [step.key, value(figures, step)] as const
  })
  return { ...Object.fromEntries(values), clientShare }
}
