import type { ServerEvent } from '../control/routes/server.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Handlers } from '../kernel/handlers.ts'
import { mailboxChanged, type RelayAttempt, settled } from '../kernel/moments.ts'
import type { Outcome } from '../kernel/run-hooks.ts'

/** How long a listener of ours may take; it only posts a message. */
const TIMEOUT_MS = 1_000

/** Turns what happens in a worker into lines of the live feed, while somebody reads it. */
export class WorkerEvents {
  readonly #worker: number
  readonly #clock: Clock
  readonly #send: (event: ServerEvent) => void
  isWatched = false

  constructor(worker: number, clock: Clock, send: (event: ServerEvent) => void) {
    this.#worker = worker
    this.#clock = clock
    this.#send = send
  }

  /** Before the host's setup, which ends registration. */
  register(handlers: Handlers): void {
    const base = { plugin: 'events', stage: 'late', order: 'post', timeoutMs: TIMEOUT_MS } as const
    handlers.add(settled, {
      ...base,
      handle: (input) => {
        const { message, destination, outcome, status, recipients } = input as RelayAttempt
        this.#tell('settled', `${recipients.join(', ')}: ${outcome} ${status}`, { message, destination, outcome })
      },
    })
    handlers.add(mailboxChanged, {
      ...base,
      handle: (input) => this.#tell('mailbox', 'a mailbox changed', { ...(input as object) }),
    })
  }

  /** Hears of every handler that ran: its faults, and what it refused. */
  outcome({ plugin, hook, ms, fault, verdict }: Outcome): void {
    if (!this.isWatched || (fault === undefined && (verdict === undefined || verdict.action === 'accept'))) return
    const what = fault === undefined ? (verdict?.action ?? '') : `failed: ${fault}`
    this.#tell(fault === undefined ? 'verdict' : 'fault', `${plugin} at ${hook}: ${what}`, { plugin, hook, ms })
  }

  #tell(kind: string, text: string, detail: Readonly<Record<string, unknown>>): void {
    if (this.isWatched) this.#send({ at: this.#clock.now(), kind, text, worker: this.#worker, detail })
  }
}
