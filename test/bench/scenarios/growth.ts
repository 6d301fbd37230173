import { fill } from '../data-set.ts'
import type { Figure } from '../figure.ts'
import { smtpSource } from '../load/smtp-source.ts'
import type { Measured, Scenario } from '../scenario.ts'
import { runSteps } from '../support/imap-steps-case.ts'
import { addressOf, type System } from '../system.ts'

/** Messages stored at 1x, over all accounts but the measured one. */
const BASE = 1_000
const FILLED_ACCOUNTS = 10
const FIXED = 1_000
const BYTES = 2_000
const DELIVERIES = 1_500

const PARTS = {
  delivery: 'a delivery, 10 sessions',
  select: 'SELECT of a mailbox that does not grow',
  flags: 'FETCH 1:* (FLAGS) of it',
  envelope: 'FETCH 1:* (ENVELOPE BODYSTRUCTURE) of it',
} as const

type Costs = Readonly<Record<keyof typeof PARTS, number>>

/** @param scale how many times the base is stored, ascending */
export function growth(scale: readonly number[]): Scenario {
  const steps = [...scale].sort((a, b) => a - b)
  const times = steps.flatMap((step) =>
    Object.entries(PARTS).map(
      ([part, title]): Figure => ({ key: `${part}-${step}`, title: `${title}, ${step}x`, unit: 'ms', better: 'less' }),
    ),
  )
  const factors = Object.entries(PARTS).map(
    ([part, title]): Figure => ({
      key: part,
      title: `${title}: cost at ${steps.at(-1)}x by cost at ${steps[0]}x`,
      unit: 'times',
      better: 'less',
      limit: { floor: 2, goal: 1.5 },
    }),
  )
  return {
    name: 'growth',
    about: `What an operation costs as the store grows: 1x is ${BASE.toLocaleString('en-GB')} messages of ${BYTES / 1000} KB in other accounts.`,
    peers: [],
    need: { accounts: FILLED_ACCOUNTS + 2 },
    isLong: true,
    prepare: (system) => fill(system, { messages: FIXED, bytes: BYTES }),
    cases: [
      {
        name: 'cost',
        title: 'cost',
        figures: [...factors, ...times],
        maxRuns: 1,
        async run(system): Promise<Measured> {
          let stored = 0
          const costs: Costs[] = []
          for (const step of steps) {
            const each = (step * BASE - stored) / FILLED_ACCOUNTS
            for (let at = 0; at < FILLED_ACCOUNTS; at++) await fill(system, { messages: each, bytes: BYTES }, at + 2)
            stored = step * BASE
            costs.push(await costsOf(system))
          }
          return { ...factorsOf(costs), ...timesOf(steps, costs) }
        },
      },
    ],
  }
}

async function costsOf(system: System): Promise<Costs> {
  const { smtp = 0 } = system.ports
  const send = (messages: number) =>
    smtpSource({ port: smtp, messages, sessions: 10, bytes: BYTES, reuse: true, to: addressOf(FILLED_ACCOUNTS + 2) })
  // The first that come after a large fill wait for what the fill has left to do.
  await send(DELIVERIES / 3)
  const began = performance.now()
  await send(DELIVERIES)
  const delivery = (performance.now() - began) / DELIVERIES
  const reads = await runSteps(
    system,
    [
      { key: 'select', kind: 'whole', text: 'SELECT INBOX', times: 20 },
      { key: 'flags', kind: 'whole', text: 'UID FETCH 1:* (FLAGS)', times: 20 },
      { key: 'envelope', kind: 'whole', text: 'UID FETCH 1:* (ENVELOPE BODYSTRUCTURE)', times: 20 },
    ],
    ({ median }) => median,
  )
  const { select = 0, flags = 0, envelope = 0 } = reads
  return { delivery, select, flags, envelope }
}

function factorsOf(costs: readonly Costs[]): Measured {
  const [first] = costs
  const last = costs.at(-1)
  if (first === undefined || last === undefined) return {}
  const parts = Object.keys(PARTS) as (keyof Costs)[]
  return Object.fromEntries(parts.map((part) => [part, last[part] / first[part]]))
}

function timesOf(steps: readonly number[], costs: readonly Costs[]): Measured {
  return Object.fromEntries(
    costs.flatMap((cost, at) => Object.entries(cost).map(([part, ms]) => [`${part}-${steps[at]}`, ms])),
  )
}
