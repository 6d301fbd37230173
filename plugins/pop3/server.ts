import { type Listeners, type Listening, type ListenLimits, LiveSet, type Sessions } from 'mailserver'
import { Session, type SessionTools } from './session.ts'

export interface ServerTools extends SessionTools {
  readonly listeners: Listeners
  readonly sessions: Sessions
  readonly endpoints: readonly string[]
  readonly listenLimits: ListenLimits
}

interface Running {
  readonly session: Session
  readonly ended: Promise<void>
}

/** How long the last line may take to go out once the deadline has passed. */
const LAST_WORDS_MS = 250

/** All POP3 sessions of one worker. */
export class Pop3Server {
  readonly #tools: ServerTools
  readonly #running = new LiveSet<Running>()
  #listening: Listening | undefined
  #isTelling = false

  constructor(tools: ServerTools) {
    this.#tools = tools
  }

  /** @throws UserError when an endpoint cannot be had */
  async start(): Promise<void> {
    const { listeners, endpoints, listenLimits, sessions } = this.#tools
    this.#listening = await listeners.listen({
      protocol: 'pop3',
      endpoints,
      limits: listenLimits,
      asksForCertificate: true,
      refusal: () => '-ERR [SYS/TEMP] Too many connections, try again later\r\n',
      onConnection: (accepted) => {
        const session = new Session(accepted, this.#tools)
        const remove = sessions.add(() => session.describe())
        const ended = session.serve().finally(() => {
          remove()
          leave()
        })
        const leave = this.#running.add({ session, ended })
        if (this.#isTelling) session.drain()
      },
    })
  }

  /**
   * Takes no new session. Those in progress finish their command and are told to end; with `patient`, not before the
   * deadline. Resolves when all are over, or soon after the deadline.
   */
  async drain(deadline: AbortSignal, options: { readonly patient: boolean }): Promise<void> {
    await this.#listening?.close()
    if (!options.patient) this.#tellAll()
    await Promise.race([this.#allOver(), aborted(deadline)])
    this.#tellAll()
    await Promise.race([this.#allOver(), this.#tools.clock.sleep(LAST_WORDS_MS)])
  }

  /** Ends everything at once; resolves when every lock is free. */
  async stop(): Promise<void> {
    await this.#listening?.close()
    for (const { session } of this.#running) session.destroy()
    await this.#allOver()
  }

  #tellAll(): void {
    this.#isTelling = true
    for (const { session } of this.#running) session.drain()
  }

  async #allOver(): Promise<void> {
    await Promise.all(Array.from(this.#running, ({ ended }) => ended))
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
