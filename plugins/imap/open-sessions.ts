import { type Accepted, connectionOpened, LiveSet, type PluginHost } from 'mailserver'
import { capabilityText } from './capabilities.ts'
import { CommandLoop, type CommandLoopOptions } from './command-loop.ts'
import type { ImapLimits } from './limits.ts'
import type { Offers } from './offer.ts'
import type { ImapOptions } from './options.ts'
import type { ImapServices } from './services.ts'
import type { Sharing } from './sharing.ts'
import { Transport } from './transport.ts'

export interface OpenSessionsOptions {
  readonly host: Pick<PluginHost<ImapOptions, unknown>, 'server' | 'clock' | 'log' | 'run'>
  readonly services: ImapServices
  readonly limits: ImapLimits
  readonly sharing?: Sharing
  readonly offers?: Offers
  readonly onCommand?: NonNullable<CommandLoopOptions['onCommand']>
}

interface Running {
  readonly session: CommandLoop['session']
  readonly ended: Promise<void>
}

/** The sessions of this worker: begins one for each connection, and ends them all. */
export class OpenSessions {
  readonly #options: OpenSessionsOptions
  readonly #open = new LiveSet<Running>()
  #farewell: string | undefined

  constructor(options: OpenSessionsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#open.size
  }

  accept(accepted: Accepted): void {
    const { host, services, limits, sharing, offers, onCommand } = this.#options
    const { connection, isTls } = accepted
    const loop = new CommandLoop({
      transport: new Transport(accepted.socket, host.clock, limits.stallTimeoutMs),
      connection,
      isTls,
      services,
      server: host.server,
      limits,
      clock: host.clock,
      log: host.log.child({ session: connection.id }),
      ...(sharing && { sharing }),
      ...(offers && { offers }),
      ...(onCommand && { onCommand }),
    })
    const { session } = loop
    const remove = services.sessions.add(() => ({
      id: connection.id,
      protocol: connection.protocol,
      remoteAddress: connection.remoteAddress,
      openedAt: connection.openedAt,
      state: session.activity,
      tls: session.isTls,
      ...(session.login !== undefined && { account: session.login }),
    }))
    const ended = this.#greet(loop).finally(() => {
      remove()
      leave()
    })
    const leave = this.#open.add({ session, ended })
  }

  /** Ends every session with BYE, after the command in hand. Resolves when all have ended. */
  async end(text: string): Promise<void> {
    this.#farewell = text
    for (const { session } of this.#open) session.shutDown(text)
    await this.allEnded()
  }

  async allEnded(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(Array.from(this.#open, ({ ended }) => ended))
  }

  /** Cuts what is still open. */
  destroy(): void {
    for (const { session } of this.#open) session.transport.destroy()
  }

  async #greet(loop: CommandLoop): Promise<void> {
    const { session } = loop
    const { run, server } = this.#options.host
    const { verdict } = await run.verdict(connectionOpened, { connection: session.connection }, session.signal)
    if (verdict.action === 'defer' || verdict.action === 'reject') {
      session.shutDown(verdict.text)
    } else if (this.#farewell !== undefined) session.shutDown(this.#farewell)
    await loop.run(`OK [${capabilityText(session)}] ${server.hostname} ready`)
  }
}
